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
	__u64 sessions; /* claimed */
	__u64 busy; /* sessions not claimed: another program's */
	__u64 no_memory; /* sessions not claimed: no memory, or on the way in or out */
	__u64 due_bytes; /* sessions that became due by what they received */
	__u64 due_time; /* by the time they lasted */
	__u64 announced; /* addresses of peers that were noted */
	__u64 left_out; /* for which there was no room */
	__u64 opened; /* subflows asked of the kernel */
	__u64 established; /* subflows that joined, those of the peer included */
	__u64 refused; /* calls to open or close a subflow that the kernel refused */
	__u64 closed; /* subflows closed, because fewer are wanted */
	__u64 lost; /* subflows that ended otherwise, or never came to be */
	__u64 not_followed; /* addresses that a peer announced and should not have */
};

#ifdef __cplusplus
static_assert(sizeof(delay_params) == 20, "as the BPF side has it");
static_assert(sizeof(delay_stats) == 104, "as the BPF side has it");
#else
_Static_assert(sizeof(struct delay_params) == 20, "as the C++ side has it");
_Static_assert(sizeof(struct delay_stats) == 104, "as the C++ side has it");
#endif

#endif /* TCPOPT_DELAY_H */
