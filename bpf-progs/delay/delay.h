/* SPDX-License-Identifier: GPL-2.0 */
/* Path manager delay: what the program and C++ share. */
#ifndef TCPOPT_DELAY_H
#define TCPOPT_DELAY_H

#include "../tcpopt_pm_param.h"

struct delay_params {
	TCPOPT_PARAM(__u32, subflows, "", 0, 31, 1,
		     "subflows to open after the first one, once they are due");
	TCPOPT_PARAM(__u32, bytes, "B", 0, 4294967295, 100000,
		     "due when the application has received so much; 0: however much that is");
	TCPOPT_PARAM(__u32, after, "ms", 0, 86400000, 10000,
		     "due so long after the session was established; 0: however long that is");
	TCPOPT_PARAM(__u32, server, "", 0, 1, 0,
		     "1: of sessions that this end accepted, too");
	PM_PARAM_PRIVATE;
};

/* Counted per attachment, summed over CPUs. */
struct delay_stats {
	TCPOPT_COUNTER(sessions, "claimed");
	TCPOPT_COUNTER(busy, "sessions not claimed: another program's");
	TCPOPT_COUNTER(no_memory, "sessions not claimed: no memory, or on the way in or out");
	TCPOPT_COUNTER(due_bytes, "sessions that became due by what they received");
	TCPOPT_COUNTER(due_time, "by the time they lasted");
	TCPOPT_COUNTER(announced, "addresses of peers that were noted");
	TCPOPT_COUNTER(left_out, "for which there was no room");
	TCPOPT_COUNTER(opened, "subflows asked of the kernel");
	TCPOPT_COUNTER(established, "subflows that joined, those of the peer included");
	TCPOPT_COUNTER(refused, "calls to open or close a subflow that the kernel refused");
	TCPOPT_COUNTER(closed, "subflows closed, because fewer are wanted");
	TCPOPT_COUNTER(lost, "subflows that ended otherwise, or never came to be");
	TCPOPT_COUNTER(not_followed, "addresses that a peer announced and should not have");
};

#ifdef __cplusplus
static_assert(sizeof(delay_params) == 20, "as the BPF side has it");
static_assert(sizeof(delay_stats) == 104, "as the BPF side has it");
#else
_Static_assert(sizeof(struct delay_params) == 20, "as the C++ side has it");
_Static_assert(sizeof(struct delay_stats) == 104, "as the C++ side has it");
#endif

#endif /* TCPOPT_DELAY_H */
