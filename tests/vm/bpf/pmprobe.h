/* SPDX-License-Identifier: GPL-2.0 */
/* What pmprobe tells a test and takes from it; tests/vm/probe.py has the same. */
#ifndef TCPOPT_PMPROBE_H
#define TCPOPT_PMPROBE_H

#include "../../../bpf-progs/tcpopt_param.h"

#define PROBE_EVENTS 2048
#define PROBE_ORDERS 96 /* more than the kernel takes at once */

/* The operations of a path manager, beside the callbacks of sock_ops programs. */
enum probe_op {
	PROBE_ESTABLISHED = 0xe0,
	PROBE_ANNOUNCED,
	PROBE_ADD_RADDR, /* id, port, family */
	PROBE_REM_RADDR, /* id */
	PROBE_ADD_SOCK, /* id, - , interface; opened by the peer */
	PROBE_SYNACK_RCV, /* the same; by this end */
	PROBE_SUB_CLOSED, /* id, why, detail */
	PROBE_SUB_PRIORITY, /* id, backup? */
	PROBE_SUB_REQUEST, /* -, address id of the peer, backup? */
	PROBE_LADDR_UP, /* family, interface */
	PROBE_LADDR_DOWN,
	PROBE_RECV, /* bytes received, low word, high word */
	PROBE_TIMER,
};

struct probe_params {
	TCPOPT_PARAM(__u32, claim_at, "", 0, 255, 0, "op at which to claim a session; 0: never");
	TCPOPT_PARAM(__u32, other_op, "", 0, 255, 255, "op of a callback to record as well");
	TCPOPT_PARAM(__u32, refuse, "", 0, 1, 0, "1: refuse joins");
	TCPOPT_PARAM(__u32, tick, "", 0, 0xffffffff, 0, "a change wakes all sessions");
};

struct probe_stats {
	__u64 events;
	__u64 missed; /* events for which there was no room */
	__u64 woken; /* sessions for which the iterator asked for a timer */
};

/* Errors are as they came: 0 or negative. */
struct probe_event {
	__u32 op;
	__u32 args[3]; /* args[1] and on */
	__u32 has_sk;
	__u32 loc_token;
	__u32 rem_token;
	__u32 flags; /* MPTCP_FLAGS_* */
	__u64 loc_key;
	__u64 rem_key;
	__u64 netns;
	__s32 claimed;
	__s32 loaded; /* `subflow`: that of the event */
	__s32 first; /* what loading the first of all returned: not allowed everywhere */
	__u32 walked; /* subflows of the session, in the map `walk` */
	struct bpf_mptcp_subflow subflow;
};

enum probe_action {
	PROBE_OPEN = 1, /* sockaddrs; of length 0: NULL */
	PROBE_OPEN_SUBFLOW, /* subflow, of length `a` */
	PROBE_CLOSE, /* a: id */
	PROBE_BACKUP, /* a: id, b: backup? */
	PROBE_SIGNAL, /* subflow.local, of length `a` */
	PROBE_WITHDRAW, /* a: id */
	PROBE_WAKE, /* a: ms */
	PROBE_CLAIM, /* src: name, of length `src_len`; of length 0: the attachment's own */
	PROBE_LOAD, /* a: n; b: length */
	PROBE_SCHEDULER, /* src: name, of length `src_len` */
	PROBE_IDLE, /* a: ms */
};

struct probe_order {
	__u32 state; /* 1: to be done, 2: done */
	__u32 op; /* in which callback */
	__u32 token; /* of which session; 0: of any */
	__u32 action;
	__u32 a, b;
	__u32 src_len, dst_len;
	__s32 result;
	__u32 unused;
	__u8 src[32], dst[32];
	struct bpf_mptcp_subflow subflow;
};

#endif
