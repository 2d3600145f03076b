/* SPDX-License-Identifier: GPL-2.0 */
/* What programs with requests (tcpopt_ask.h) have in common for C++, too. */
#ifndef TCPOPT_ASK_PARAM_H
#define TCPOPT_ASK_PARAM_H

#include "tcpopt_param.h"

/* The experiment that shares subtype 15 of the MPTCP option. */
#define ASK_PARAM_EXID(dflt)                             \
	TCPOPT_PARAM(__u32, exid, "hex", 1, 65535, dflt, \
		     "experiment id of the option; of sessions that begin from now on")

/* The first counters of such programs. */
#define ASK_STATS                                                                             \
	__u64 sessions; /* in which the option is ours */                                     \
	__u64 taken; /* sessions left alone: another program owns the option */               \
	__u64 no_memory; /* sessions left alone: no room for what is kept of them */          \
	__u64 asked; /* requests sent */                                                      \
	__u64 echoed; /* of these, those that the peer's kernel has */                        \
	__u64 lost; /* of these, those that it did not answer */                              \
	__u64 refused; /* calls that the kernel refused, of any kind */                       \
	__u64 received; /* requests of the peer that are well-formed and new */               \
	__u64 repeated; /* ignored: what it asked for before */                               \
	__u64 not_allowed; /* ignored: the policy of this end is against it */                \
	__u64 bad_length; /* ignored: a value of another length */                            \
	__u64 bad_value /* ignored: a value that means nothing, or unknown bits */

#define ASK_STATS_SIZE (12 * sizeof(__u64))

#endif /* TCPOPT_ASK_PARAM_H */
