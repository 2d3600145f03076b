/* SPDX-License-Identifier: GPL-2.0 */
/* MPTCP sessions as a program of type sock_ops sees them: what it is told of them, and
 * what it may do. Path managers are in tcpopt_pm_ops.h, MPTCP options in
 * tcpopt_mptcp_option.h.
 *
 * Include it after tcpopt.bpf.h. The numbers are those of the patched
 * include/uapi/linux/bpf.h (tests/infra checks it).
 */
#ifndef TCPOPT_MPTCP_H
#define TCPOPT_MPTCP_H

/* skops->op, for every program of the session's cgroup. skops->sk is the subflow,
 * locked, where there is one; a reply shares args[0].
 */
#define BPF_MPTCP_NEW_SESSION 0xd0 /* server side? */
#define BPF_MPTCP_FULLY_ESTABLISHED 0xd1 /* initial subflow?, its id */
#define BPF_MPTCP_CLOSE_SESSION 0xd2 /* local token, BPF_MPTCP_CLOSE_* */
/* If no path manager was chosen: */
#define BPF_MPTCP_ADD_RADDR 0xd3 /* address id, port (host order) or 0, family */
#define BPF_MPTCP_REM_RADDR 0xd4 /* address id; its subflows are closed by the stack */
/* If some program has an MPTCP option in the session (and FULLY_ESTABLISHED of subflows
 * that joined):
 */
#define BPF_MPTCP_SUB_CLOSED 0xd5 /* subflow id, BPF_MPTCP_SUB_*, detail */
#define BPF_MPTCP_SUB_PRIORITY 0xd6 /* subflow id, the peer wants it as backup? */

#define BPF_MPTCP_WAKE 0xd7 /* asked for by bpf_mptcp_wake() or _wake_all() */

/* BPF_MPTCP_CLOSE_SESSION: why */
#define BPF_MPTCP_CLOSE_NORMAL 1
#define BPF_MPTCP_CLOSE_FALLBACK 2 /* goes on as plain TCP */
#define BPF_MPTCP_CLOSE_FASTCLOSE 3 /* the peer's MP_FASTCLOSE */
#define BPF_MPTCP_CLOSE_ABORT 4 /* this end gave up: MP_FASTCLOSE sent, timeout, kill */

/* BPF_MPTCP_SUB_CLOSED: why, and the detail */
#define BPF_MPTCP_SUB_FIN 1 /* the peer closed it */
#define BPF_MPTCP_SUB_RST 2 /* RST; its reason (RFC 8684, section 3.6), and: */
#define BPF_MPTCP_SUB_TRANSIENT 0x100
#define BPF_MPTCP_SUB_TIMEOUT 3 /* errno */
#define BPF_MPTCP_SUB_LOCAL 4 /* this end closed it */
#define BPF_MPTCP_SUB_FAILED 5 /* was never established; errno */

/* bpf_mptcp_set_backup(): whatever the peer asked for, without telling it */
#define BPF_MPTCP_BACKUP_OVERRIDE (1 << 1)

#define BPF_MPTCP_SUBFLOWS_MAX 32 /* of a session, the initial one included */

/* IPv4 in addr[0]; all 0: any. */
struct bpf_mptcp_addr {
	__u16 family; /* AF_INET, AF_INET6; 0: not given */
	__be16 port; /* 0: the kernel's choice, or the session's */
	__u8 id; /* address id, 0: the initial subflow's, or the kernel's choice */
	__u8 unused[3];
	__be32 addr[4];
};

/* bpf_mptcp_subflow::flags */
#define BPF_MPTCP_SUBFLOW_BACKUP (1 << 0) /* this end wants it as a backup */
#define BPF_MPTCP_SUBFLOW_PEER_BACKUP (1 << 1) /* the peer does */
#define BPF_MPTCP_SUBFLOW_INITIAL (1 << 2)
#define BPF_MPTCP_SUBFLOW_ESTABLISHED (1 << 3) /* data may be sent */
#define BPF_MPTCP_SUBFLOW_ACTIVE (1 << 4) /* opened by this end */
#define BPF_MPTCP_SUBFLOW_STALE (1 << 5) /* no progress, not used for data */

struct bpf_mptcp_subflow {
	__u32 id; /* within the session: 1 is the initial one; ignored by open */
	__u32 flags;
	__u32 ifindex; /* 0: as routed */
	__u32 state; /* TCP_ESTABLISHED, ...; ignored by open */
	struct bpf_mptcp_addr local;
	struct bpf_mptcp_addr remote;
};
_Static_assert(sizeof(struct bpf_mptcp_addr) == 24, "as the kernel has it");
_Static_assert(sizeof(struct bpf_mptcp_subflow) == 64, "as the kernel has it");

/* All return a negative errno if they fail; what each means is in kernel-patches/.
 * Weak: test with bpf_ksym_exists().
 */

/* Choose the session's path manager, of that name (with its NUL). In
 * BPF_MPTCP_NEW_SESSION, or when it becomes FULLY_ESTABLISHED. -ENOENT: none has it,
 * -EBUSY: one was chosen.
 */
extern int bpf_mptcp_claim(struct bpf_sock_ops *skops, const void *name,
			   __u32 name__sz) __ksym __weak;

/* One more subflow, soon after, beside those of the network namespace's path manager.
 * sockaddr_in or sockaddr_in6; what is NULL, or 0, is as in the subflow that the callback
 * is about, or the kernel's choice: port of the source, and source if the destination is
 * another. -EBUSY: a path manager was chosen.
 */
extern int bpf_open_subflow(struct bpf_sock_ops *skops, const void *src__opt, __u32 src__sz,
			    const void *dst__opt, __u32 dst__sz) __ksym __weak;

/* When the callback has returned. Of the callback's subflow, or in WAKE and OPTION_DONE of
 * any. -ENOENT: it is gone, -EPERM: another's, and not in these.
 */
extern int bpf_mptcp_close_subflow(struct bpf_sock_ops *skops, __u32 id) __ksym __weak;
/* 1: a backup, 0: not; the peer is told (MP_PRIO), or BPF_MPTCP_BACKUP_OVERRIDE. */
extern int bpf_mptcp_set_backup(struct bpf_sock_ops *skops, __u32 id,
				__u32 backup) __ksym __weak;

/* In WAKE and OPTION_DONE, else -EPERM: one of net.mptcp.available_schedulers, with its
 * NUL; -ENOENT if there is no such.
 */
extern int bpf_mptcp_set_scheduler(struct bpf_sock_ops *skops, const void *name,
				   __u32 name__sz) __ksym __weak;
/* There, too: how long the session is kept without a subflow; the application gets
 * ETIMEDOUT then. 0: net.mptcp.close_timeout, and no error.
 */
extern int bpf_mptcp_set_idle_timeout(struct bpf_sock_ops *skops, __u32 msecs) __ksym __weak;

/* A struct bpf_mptcp_subflow: that of the callback (BPF_MPTCP_SUBFLOW_EVENT; only
 * remote in ADD_RADDR), or the n-th of the session, from 0, -ENOENT behind the last.
 * The latter in WAKE, OPTION_DONE and CLOSE_SESSION.
 */
#define BPF_MPTCP_SUBFLOW_EVENT (~0U)
extern int bpf_mptcp_load_subflow(struct bpf_sock_ops *skops, __u32 n, void *subflow,
				  __u32 subflow__sz) __ksym __weak;

/* Have BPF_MPTCP_WAKE called after so many ms, 0: now. One a session: an earlier
 * one stays. Once in a jiffy at most. -EBUSY: a path manager was chosen, and no program
 * has an MPTCP option in the session.
 */
extern int bpf_mptcp_wake(struct bpf_sock_ops *skops, __u32 msecs) __ksym __weak;

/* Of the session, in each of its callbacks, with or without a subflow. */
extern __u32 bpf_mptcp_loc_token(struct bpf_sock_ops *skops) __ksym __weak;
extern __u32 bpf_mptcp_rem_token(struct bpf_sock_ops *skops) __ksym __weak;

/* In iterators: BPF_MPTCP_WAKE, or the path manager's timer, for all sessions of the
 * network namespace of who reads, with a subflow or without, that have an MPTCP option
 * or a path manager of their own. Returns how many.
 */
extern int bpf_mptcp_wake_all(void) __ksym __weak;

#endif /* TCPOPT_MPTCP_H */
