/* SPDX-License-Identifier: GPL-2.0 */
/* Congestion Control request: what the program and C++ share. */
#ifndef TCPOPT_CC_H
#define TCPOPT_CC_H

#include "../tcpopt_param.h"

/* Ids on the wire: the same on all machines, so they are never used again. 0
 * asks for nothing.
 */
#define CC_ALGORITHMS(X)     \
	X(1, "reno")         \
	X(2, "cubic")        \
	X(3, "vegas")        \
	X(4, "bbr")          \
	X(5, "bic")          \
	X(6, "westwood")     \
	X(7, "htcp")         \
	X(8, "hybla")        \
	X(9, "veno")         \
	X(10, "scalable")    \
	X(11, "lp")          \
	X(12, "yeah")        \
	X(13, "illinois")    \
	X(14, "dctcp")       \
	X(15, "cdg")         \
	X(16, "nv")          \
	X(17, "highspeed")

#define CC_ALGORITHMS_MAX 64 /* entries of the map `algorithms` */

struct cc_params {
	TCPOPT_PARAM_ALGORITHM(request, "congestion control asked of the peer; none asks for none");
	TCPOPT_PARAM(__u32, exid, "hex", 0, 0xffffffff, 0x7463,
		     "experiment id (RFC 6994) of the option, kind 253; above 65535 of 32 bits");
};

/* Counted per attachment, summed over CPUs. */
struct cc_stats {
	TCPOPT_COUNTER(requested, "connections that asked their peer");
	TCPOPT_COUNTER(received, "requests for an id that CC_ALGORITHMS has");
	TCPOPT_COUNTER(applied, "changed the congestion control of this end");
	TCPOPT_COUNTER(unchanged, "asked for what was in force already");
	TCPOPT_COUNTER(unknown, "ignored: an id that CC_ALGORITHMS lacks");
	TCPOPT_COUNTER(absent, "ignored: this kernel does not offer it");
	TCPOPT_COUNTER(not_allowed, "ignored: not on the list `allow`, no peer of `peers`, or too often");
	TCPOPT_COUNTER(refused, "ignored: the kernel would not set it");
	TCPOPT_COUNTER(bad_length, "ignored: not one byte behind the experiment id");
	TCPOPT_COUNTER(bad_value, "ignored: the id 0");
	TCPOPT_COUNTER(repeated, "ignored: a second one in the same segment");
	TCPOPT_COUNTER(taken, "not asked or heard: another program owns the option");
};

#ifdef __cplusplus
static_assert(sizeof(cc_params) == 8, "as the BPF side has it");
static_assert(sizeof(cc_stats) == 96, "as the BPF side has it");
#else
_Static_assert(sizeof(struct cc_params) == 8, "as the C++ side has it");
_Static_assert(sizeof(struct cc_stats) == 96, "as the C++ side has it");
#endif

#endif /* TCPOPT_CC_H */
