/* SPDX-License-Identifier: GPL-2.0 */
/* Initial window request: what the program and C++ share. */
#ifndef TCPOPT_IW_H
#define TCPOPT_IW_H

#include "../tcpopt_param.h"

struct iw_params {
	TCPOPT_PARAM(__u32, window, "MSS", 0, 65535, 0,
		     "initial window asked of the peer; 0 asks for none");
	TCPOPT_PARAM(__u32, max_window, "MSS", 1, 65535, 32,
		     "largest initial window that a trusted peer gets; more is cut to it");
	TCPOPT_PARAM(__u32, exid, "hex", 0, 0xffffffff, 0x7469,
		     "experiment id (RFC 6994) of the option, kind 253; above 65535 of 32 bits");
};

/* Counted per attachment, summed over CPUs. */
struct iw_stats {
	TCPOPT_COUNTER(requested, "connections that asked their peer");
	TCPOPT_COUNTER(received, "well-formed requests");
	TCPOPT_COUNTER(applied, "changed the initial window of this end");
	TCPOPT_COUNTER(capped, "of these, cut to max_window");
	TCPOPT_COUNTER(untrusted, "ignored: the peer is in none of the prefixes `trusted`");
	TCPOPT_COUNTER(late, "ignored: data was sent already");
	TCPOPT_COUNTER(bad_length, "ignored: not two bytes behind the experiment id");
	TCPOPT_COUNTER(bad_value, "ignored: a window of 0");
	TCPOPT_COUNTER(repeated, "ignored: a second one in the same segment");
	TCPOPT_COUNTER(taken, "not asked or heard: another program owns the option");
};

#ifdef __cplusplus
static_assert(sizeof(iw_params) == 12, "as the BPF side has it");
static_assert(sizeof(iw_stats) == 80, "as the BPF side has it");
#else
_Static_assert(sizeof(struct iw_params) == 12, "as the C++ side has it");
_Static_assert(sizeof(struct iw_stats) == 80, "as the C++ side has it");
#endif

#endif /* TCPOPT_IW_H */
