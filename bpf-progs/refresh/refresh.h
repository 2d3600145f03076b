/* SPDX-License-Identifier: GPL-2.0 */
/* Path manager refresh: what the program and C++ share. */
#ifndef TCPOPT_REFRESH_H
#define TCPOPT_REFRESH_H

#include "../tcpopt_pm_param.h"

struct TCPOPT_RULE(min, max) refresh_params {
	TCPOPT_PARAM(__u32, min, "ms", 10, 3600000, 100,
		     "wait before a subflow is replaced; doubled each time that was in vain");
	TCPOPT_PARAM(__u32, max, "ms", 10, 3600000, 60000, "longest such wait");
	TCPOPT_PARAM(__u32, syns, "", 3, 1000, 10,
		     "SYNs a minute that a session spends between two addresses in vain");
	PM_PARAM_PRIVATE;
};

/* Counted per attachment, summed over CPUs. */
struct refresh_stats {
	__u64 sessions; /* claimed */
	__u64 busy; /* sessions not claimed: another program's */
	__u64 no_memory; /* sessions not claimed: no memory, or on the way in or out */
	__u64 reset; /* subflows of this end that ended by RST */
	__u64 timeout; /* by a timeout */
	__u64 failed; /* attempts to replace one that came to nothing */
	__u64 ignored; /* subflows that ended by FIN or were closed here, or were the peer's */
	__u64 prohibited; /* not replaced: the peer does not want it, by its RST or from the start (yet) */
	__u64 no_room; /* not replaced: too many pairs of addresses in this session */
	__u64 opened; /* subflows asked of the kernel */
	__u64 refused; /* such calls that the kernel refused */
	__u64 established; /* replacements that work */
	__u64 syns; /* sent for replacements, repeated ones included */
	__u64 held; /* attempts put off because of `syns`, each once */
	__u64 not_followed; /* addresses that a peer announced and should not have */
};

#ifdef __cplusplus
static_assert(sizeof(refresh_params) == 16, "as the BPF side has it");
static_assert(sizeof(refresh_stats) == 120, "as the BPF side has it");
#else
_Static_assert(sizeof(struct refresh_params) == 16, "as the C++ side has it");
_Static_assert(sizeof(struct refresh_stats) == 120, "as the C++ side has it");
#endif

#endif /* TCPOPT_REFRESH_H */
