/* SPDX-License-Identifier: GPL-2.0 */
/* What joins.bpf.c notes of each MPTCP session. Read by C++ too. */
#ifndef BENCH_JOINS_H
#define BENCH_JOINS_H

#include <linux/types.h>

#define BENCH_SESSIONS_MAX 8192

/* Nanoseconds of the monotonic clock, 0: not yet. Key: token of the client. */
struct bench_session {
	__u64 established; /* the session became fully established */
	__u64 first_syn; /* its first MP_JOIN SYN was handed to the interface */
	__u64 joined; /* that subflow could be used */
	__u32 syns; /* MP_JOIN SYNs, retransmissions included */
	__u32 subflows; /* joined */
};

#endif /* BENCH_JOINS_H */
