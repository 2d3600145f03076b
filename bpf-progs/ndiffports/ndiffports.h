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
	TCPOPT_COUNTER(sessions, "claimed");
	TCPOPT_COUNTER(busy, "sessions not claimed: another program's");
	TCPOPT_COUNTER(no_memory, "sessions not claimed: no memory, or on the way in or out");
	TCPOPT_COUNTER(denied, "sessions whose peer takes no join at its first address");
	TCPOPT_COUNTER(opened, "subflows asked of the kernel");
	TCPOPT_COUNTER(established, "subflows that joined, those of the peer included");
	TCPOPT_COUNTER(refused, "calls to open or close a subflow that the kernel refused");
	TCPOPT_COUNTER(closed, "subflows closed, because fewer are wanted");
	TCPOPT_COUNTER(lost, "subflows that ended otherwise, or never came to be");
	TCPOPT_COUNTER(not_followed, "addresses that a peer announced and should not have");
};

#ifdef __cplusplus
static_assert(sizeof(ndiffports_params) == 20, "as the BPF side has it");
static_assert(sizeof(ndiffports_stats) == 80, "as the BPF side has it");
#else
_Static_assert(sizeof(struct ndiffports_params) == 20, "as the C++ side has it");
_Static_assert(sizeof(struct ndiffports_stats) == 80, "as the C++ side has it");
#endif

#endif /* TCPOPT_NDIFFPORTS_H */
