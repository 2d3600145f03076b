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
	TCPOPT_COUNTER(sessions, "claimed");
	TCPOPT_COUNTER(busy, "sessions not claimed: another program's");
	TCPOPT_COUNTER(no_memory, "sessions not claimed: no memory, or on the way in or out");
	TCPOPT_COUNTER(reset, "subflows of this end that ended by RST");
	TCPOPT_COUNTER(timeout, "by a timeout");
	TCPOPT_COUNTER(failed, "attempts to replace one that came to nothing");
	TCPOPT_COUNTER(ignored, "subflows that ended by FIN or were closed here, or were the peer's");
	TCPOPT_COUNTER(prohibited,
		       "not replaced: the peer does not want it, by its RST or from the start (yet)");
	TCPOPT_COUNTER(no_room, "not replaced: too many pairs of addresses in this session");
	TCPOPT_COUNTER(opened, "subflows asked of the kernel");
	TCPOPT_COUNTER(refused, "such calls that the kernel refused");
	TCPOPT_COUNTER(established, "replacements that work");
	TCPOPT_COUNTER(syns, "sent for replacements, repeated ones included");
	TCPOPT_COUNTER(held, "attempts put off because of `syns`, each once");
	TCPOPT_COUNTER(not_followed, "addresses that a peer announced and should not have");
};

#ifdef __cplusplus
static_assert(sizeof(refresh_params) == 16, "as the BPF side has it");
static_assert(sizeof(refresh_stats) == 120, "as the BPF side has it");
#else
_Static_assert(sizeof(struct refresh_params) == 16, "as the C++ side has it");
_Static_assert(sizeof(struct refresh_stats) == 120, "as the C++ side has it");
#endif

#endif /* TCPOPT_REFRESH_H */
