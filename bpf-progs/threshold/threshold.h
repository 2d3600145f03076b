/* SPDX-License-Identifier: GPL-2.0 */
/* Delay threshold: what the program and C++ share. */
#ifndef TCPOPT_THRESHOLD_H
#define TCPOPT_THRESHOLD_H

#include "../tcpopt_ask_param.h"

struct threshold_params {
	TCPOPT_PARAM(__u32, limit, "ms", 0, 65535, 0,
		     "ask the peer to use the backup subflows while the RTT of the first is above; 0: no");
	TCPOPT_PARAM(__u32, hysteresis, "ms", 0, 65534, 20,
		     "and until it is so much below that, less than `limit`");
	TCPOPT_PARAM(__u32, min, "ms", 1, 65536, 10,
		     "lowest threshold that peers may ask for; 65536: none at all");
	TCPOPT_PARAM(__u32, probe, "ms", 10, 3600000, 500,
		     "measure the first subflow so often while it is not used");
	TCPOPT_PARAM(__u32, trial, "ms", 100, 3600000, 30000,
		     "use it again after this, if it cannot be measured");
	ASK_PARAM_EXID(0x6474);
};

/* Counted per attachment, summed over CPUs. */
struct threshold_stats {
	ASK_STATS;
	TCPOPT_COUNTER(above, "times that the RTT passed the threshold");
	TCPOPT_COUNTER(below, "times that it recovered");
	TCPOPT_COUNTER(switched, "times that the backup subflows were made to take over");
	TCPOPT_COUNTER(returned, "times that the first subflow was used again");
	TCPOPT_COUNTER(no_backup, "times that there was none to switch to");
	TCPOPT_COUNTER(probes, "of the first subflow, sent to measure it");
	TCPOPT_COUNTER(measured, "of these, those that the peer echoed");
	TCPOPT_COUNTER(trials, "times that it was used again as it could not be measured");
	TCPOPT_COUNTER(probed, "probes of the peer");
};

#ifdef __cplusplus
static_assert(sizeof(threshold_params) == 24, "as the BPF side has it");
static_assert(sizeof(threshold_stats) == ASK_STATS_SIZE + 72, "as the BPF side has it");
#else
_Static_assert(sizeof(struct threshold_params) == 24, "as the C++ side has it");
_Static_assert(sizeof(struct threshold_stats) == ASK_STATS_SIZE + 72, "as the C++ side has it");
#endif

#endif /* TCPOPT_THRESHOLD_H */
