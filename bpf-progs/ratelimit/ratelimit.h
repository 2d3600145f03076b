/* SPDX-License-Identifier: GPL-2.0 */
/* Rate limit of subflows: what the program and C++ share. */
#ifndef TCPOPT_RATELIMIT_H
#define TCPOPT_RATELIMIT_H

#include "../tcpopt_ask_param.h"

#define RL_ANY 0xffffffffU /* kbit/s on the wire: as fast as it goes */

struct ratelimit_params {
	TCPOPT_PARAM(__u32, rate, "kbit/s", 0, 4294967295, 4294967295,
		     "asked of the peer for each chosen subflow; 0: close it; 4294967295: any");
	TCPOPT_PARAM(__u32, type, "", 0, 65535, 0,
		     "choose interfaces of this type alone, as in /sys/class/net/*/type; 0: of any");
	TCPOPT_PARAM(__u32, min, "kbit/s", 1, 4294967295, 64,
		     "lowest rate that peers may ask for; of requests from now on");
	TCPOPT_PARAM(__u32, drain, "", 0, 1, 1, "1: peers may have subflows closed by the rate 0");
	TCPOPT_PARAM(__u32, linger, "ms", 0, 3600000, 2000,
		     "time for what is on its way on such a subflow, before it is closed");
	ASK_PARAM_EXID(0x726c);
	__u32 _generation; /* another one: the user has changed something */
};

/* Counted per attachment, summed over CPUs. */
struct ratelimit_stats {
	ASK_STATS;
	TCPOPT_COUNTER(capped, "subflows that were given a rate, or another one");
	TCPOPT_COUNTER(lifted, "subflows that may go as fast as they can again");
	TCPOPT_COUNTER(drained, "subflows made a backup, so that nothing new takes them");
	TCPOPT_COUNTER(closed, "of these, those that were closed then");
	TCPOPT_COUNTER(last, "ignored: the session would have no other subflow");
	TCPOPT_COUNTER(no_room, "ignored: no place for what is kept of the subflow");
};

#ifdef __cplusplus
static_assert(sizeof(ratelimit_params) == 28, "as the BPF side has it");
static_assert(sizeof(ratelimit_stats) == ASK_STATS_SIZE + 48, "as the BPF side has it");
#else
_Static_assert(sizeof(struct ratelimit_params) == 28, "as the C++ side has it");
_Static_assert(sizeof(struct ratelimit_stats) == ASK_STATS_SIZE + 48, "as the C++ side has it");
#endif

#endif /* TCPOPT_RATELIMIT_H */
