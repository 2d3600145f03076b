/* SPDX-License-Identifier: GPL-2.0 */
/* What the iterator of sessions.bpf.c writes: what it and C++ share. */
#ifndef TCPOPT_SUBFLOW_RECORD_H
#define TCPOPT_SUBFLOW_RECORD_H

#include <linux/types.h>

#define TCPOPT_NAME_SIZE 16 /* of interfaces, schedulers, path managers; with the NUL */

/* tcpopt_subflow_record::flags */
#define TCPOPT_SUBFLOW_BACKUP (1U << 0) /* this end asked the peer to use it as a backup */
#define TCPOPT_SUBFLOW_PEER_BACKUP (1U << 1) /* the peer asked this end to */
#define TCPOPT_SUBFLOW_STALE (1U << 2) /* given up while others work */
#define TCPOPT_SUBFLOW_INITIAL (1U << 3) /* the session began on it */
#define TCPOPT_SUBFLOW_RESET (1U << 4) /* the peer reset it, see `reset_reason` */
#define TCPOPT_SESSION_SERVER (1U << 8) /* this end accepted the session */
#define TCPOPT_SESSION_FALLBACK (1U << 9) /* goes on as plain TCP */
#define TCPOPT_SESSION_INITIAL_ENDED (1U << 10) /* the subflow that it began on has ended, */
#define TCPOPT_SESSION_INITIAL_RESET (1U << 11) /* by a reset, see `initial_reason` */

struct tcpopt_subflow_record {
	__u64 session; /* the same for all subflows of one; says nothing else */
	__u64 netns; /* cookie */
	__u64 cgroup; /* id, of the cgroup that the session's socket was made in */
	__u64 session_sent; /* bytes, each once however often it was sent; 0: not known */
	__u64 session_received; /* bytes */
	__u64 sent; /* bytes that were acknowledged */
	__u64 received; /* bytes */
	__u32 token; /* of this end; 0: the session is on its way out */
	__u32 rtt; /* us, smoothed; 0: none was measured */
	__u32 inode; /* of the application's socket, 0: it has none (any more) */
	__u16 flags;
	__u16 local_port;
	__u16 remote_port;
	__u8 family; /* AF_INET: addresses have 4 bytes, else 16 */
	__u8 state; /* TCP_ESTABLISHED, ... */
	__u8 session_state;
	__u8 manager_type; /* MPTCP_PM_TYPE_*: 0 in-kernel, 1 userspace */
	__u8 reset_reason; /* RFC 8684, 3.6 */
	__u8 initial_reason;
	__u8 local[16];
	__u8 remote[16];
	char interface[TCPOPT_NAME_SIZE]; /* that it sends through; empty: not known now */
	char scheduler[TCPOPT_NAME_SIZE]; /* empty: this kernel has but one */
	char manager[TCPOPT_NAME_SIZE]; /* of struct_ops; empty: none was chosen */
};

#ifdef __cplusplus
static_assert(sizeof(tcpopt_subflow_record) == 160, "as the BPF side has it");
#else
_Static_assert(sizeof(struct tcpopt_subflow_record) == 160, "as the C++ side has it");
#endif

#endif /* TCPOPT_SUBFLOW_RECORD_H */
