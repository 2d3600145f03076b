/* SPDX-License-Identifier: GPL-2.0 */
/* Path manager ndiffports: what the program and C++ share. */
#ifndef TCPOPT_NDIFFPORTS_H
#define TCPOPT_NDIFFPORTS_H

#include "../tcpopt_pm_param.h"

struct ndiffports_params {
	TCPOPT_PARAM(__u32, subflows, "", 1, 32, 2,
		     "subflows of a session, the first one included");
	TCPOPT_PARAM(__u32, replace, "", 0, 1, 0,
		     "1: open another one for each that was lost; 0: when `subflows` changes");
	TCPOPT_PARAM(__u32, retry, "ms", 10, 3600000, 1000,
		     "wait before a lost one is replaced; doubled, up to 60 times, if that fails");
	TCPOPT_PARAM(__u32, server, "", 0, 1, 0,
		     "1: of sessions that this end accepted, too");
	PM_PARAM_PRIVATE;
};

/* Counted per attachment, summed over CPUs. */
struct ndiffports_stats {
	__u64 sessions; /* claimed */
	__u64 busy; /* sessions not claimed: another program's */
	__u64 no_memory; /* sessions not claimed: no memory, or on the way in or out */
	__u64 denied; /* sessions whose peer takes no join at its first address */
	__u64 opened; /* subflows asked of the kernel */
	__u64 established; /* subflows that joined, those of the peer included */
	__u64 refused; /* calls to open or close a subflow that the kernel refused */
	__u64 closed; /* subflows closed, because fewer are wanted */
	__u64 lost; /* subflows that ended otherwise, or never came to be */
	__u64 not_followed; /* addresses that a peer announced and should not have */
};

#ifdef __cplusplus
static_assert(sizeof(ndiffports_params) == 20, "as the BPF side has it");
static_assert(sizeof(ndiffports_stats) == 80, "as the BPF side has it");
#else
_Static_assert(sizeof(struct ndiffports_params) == 20, "as the C++ side has it");
_Static_assert(sizeof(struct ndiffports_stats) == 80, "as the C++ side has it");
#endif

#endif /* TCPOPT_NDIFFPORTS_H */
