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
	__u64 requested; /* connections that asked their peer */
	__u64 received; /* well-formed requests */
	__u64 applied; /* changed the initial window of this end */
	__u64 capped; /* of these, cut to max_window */
	__u64 untrusted; /* ignored: the peer is in none of the prefixes `trusted` */
	__u64 late; /* ignored: data was sent already */
	__u64 bad_length; /* ignored: not two bytes behind the experiment id */
	__u64 bad_value; /* ignored: a window of 0 */
	__u64 repeated; /* ignored: a second one in the same segment */
	__u64 taken; /* not asked or heard: another program owns the option */
};

#ifdef __cplusplus
static_assert(sizeof(iw_params) == 12, "as the BPF side has it");
static_assert(sizeof(iw_stats) == 80, "as the BPF side has it");
#else
_Static_assert(sizeof(struct iw_params) == 12, "as the C++ side has it");
_Static_assert(sizeof(struct iw_stats) == 80, "as the C++ side has it");
#endif

#endif /* TCPOPT_IW_H */
