/* SPDX-License-Identifier: GPL-2.0 */
/* Inactivity timeout of MPTCP sessions: what the program and C++ share. */
#ifndef TCPOPT_IDLE_H
#define TCPOPT_IDLE_H

#include "../tcpopt_ask_param.h"

struct TCPOPT_RULE_OR_ZERO(min, max) idle_params {
	TCPOPT_PARAM(__u32, timeout, "s", 0, 2147483, 0,
		     "keep a session without subflows for so long, and ask the peer to; 0: as usual");
	TCPOPT_PARAM(__u32, min, "s", 1, 2147483, 60, "at least so long, whatever peers ask for");
	TCPOPT_PARAM(__u32, max, "s", 0, 2147483, 3600,
		     "at most so long, whatever peers ask for; 0: do not listen to them");
	ASK_PARAM_EXID(0x6974);
};

/* Counted per attachment, summed over CPUs. */
struct idle_stats {
	ASK_STATS;
	TCPOPT_COUNTER(applied, "changes of the timeout of sessions of this end");
	TCPOPT_COUNTER(clamped, "requests granted as far as `min` and `max` allow");
};

#ifdef __cplusplus
static_assert(sizeof(idle_params) == 16, "as the BPF side has it");
static_assert(sizeof(idle_stats) == ASK_STATS_SIZE + 16, "as the BPF side has it");
#else
_Static_assert(sizeof(struct idle_params) == 16, "as the C++ side has it");
_Static_assert(sizeof(struct idle_stats) == ASK_STATS_SIZE + 16, "as the C++ side has it");
#endif

#endif /* TCPOPT_IDLE_H */
