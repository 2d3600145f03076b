/* SPDX-License-Identifier: GPL-2.0 */
/* Packet scheduler request: what the program and C++ share. */
#ifndef TCPOPT_SCHEDULER_H
#define TCPOPT_SCHEDULER_H

#include "../tcpopt_ask_param.h"

/* Ids on the wire: the same on all machines, so they are never used again. 0
 * asks for nothing.
 */
#define SCHED_SCHEDULERS(X)  \
	X(1, "default")      \
	X(2, "roundrobin")   \
	X(3, "redundant")

#define SCHED_SCHEDULERS_MAX 64 /* entries of the map `schedulers` */

struct scheduler_params {
	TCPOPT_PARAM_SCHEDULER(request, "packet scheduler asked of the peer; none asks for none");
	ASK_PARAM_EXID(0x7073);
};

/* Counted per attachment, summed over CPUs. */
struct scheduler_stats {
	ASK_STATS;
	TCPOPT_COUNTER(applied, "changes of the scheduler of this end");
	TCPOPT_COUNTER(unchanged, "asked for what was in force already");
	TCPOPT_COUNTER(restored, "changes back, because the list `allow` has it no longer");
	TCPOPT_COUNTER(unknown, "ignored: an id that SCHED_SCHEDULERS lacks");
	TCPOPT_COUNTER(absent, "ignored: this kernel does not offer it");
};

#ifdef __cplusplus
static_assert(sizeof(scheduler_params) == 8, "as the BPF side has it");
static_assert(sizeof(scheduler_stats) == ASK_STATS_SIZE + 40, "as the BPF side has it");
#else
_Static_assert(sizeof(struct scheduler_params) == 8, "as the C++ side has it");
_Static_assert(sizeof(struct scheduler_stats) == ASK_STATS_SIZE + 40, "as the C++ side has it");
#endif

#endif /* TCPOPT_SCHEDULER_H */
