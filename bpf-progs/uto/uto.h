/* SPDX-License-Identifier: GPL-2.0 */
/* User Timeout Option (RFC 5482): what the program and C++ share. */
#ifndef TCPOPT_UTO_H
#define TCPOPT_UTO_H

#include "../tcpopt_param.h"

/* Section 3.1 of the RFC names these: ADV_UTO, L_LIMIT and U_LIMIT. The option
 * has 15 bits of seconds or of minutes, so 32767 minutes is the most; a value
 * above 32767 s is advertised in minutes, rounded up.
 */
struct TCPOPT_RULE(l_limit, u_limit) uto_params {
	TCPOPT_PARAM(__u32, advertise, "s", 0, 1966020, 0,
		     "user timeout asked of the peer (ADV_UTO); 0 asks for none");
	TCPOPT_PARAM(__u32, l_limit, "s", 1, 1966020, 100,
		     "least user timeout a peer can set here (L_LIMIT)");
	TCPOPT_PARAM(__u32, u_limit, "s", 1, 1966020, 3600,
		     "longest user timeout a peer can set here (U_LIMIT)");
};

/* Counted per attachment, summed over CPUs. */
struct uto_stats {
	TCPOPT_COUNTER(advertised, "values that a connection began to tell its peer");
	TCPOPT_COUNTER(taken, "not told or heard: another program owns the option");
	TCPOPT_COUNTER(received, "well-formed options from the peer");
	TCPOPT_COUNTER(applied, "changed this end's user timeout");
	TCPOPT_COUNTER(unchanged, "asked for what was in force already");
	TCPOPT_COUNTER(app_set, "ignored: the application set its own timeout");
	TCPOPT_COUNTER(bad_length, "ignored: length is not 4");
	TCPOPT_COUNTER(bad_value, "ignored: a timeout of 0");
	TCPOPT_COUNTER(repeated, "ignored: a second one in the same segment");
};

#ifdef __cplusplus
static_assert(sizeof(uto_params) == 12, "as the BPF side has it");
static_assert(sizeof(uto_stats) == 72, "as the BPF side has it");
#else
_Static_assert(sizeof(struct uto_params) == 12, "as the C++ side has it");
_Static_assert(sizeof(struct uto_stats) == 72, "as the C++ side has it");
#endif

#endif /* TCPOPT_UTO_H */
