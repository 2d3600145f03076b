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
#define ASK_STATS                                                                           \
	TCPOPT_COUNTER(sessions, "in which the option is ours");                            \
	TCPOPT_COUNTER(taken, "sessions left alone: another program owns the option");      \
	TCPOPT_COUNTER(no_memory, "sessions left alone: no room for what is kept of them"); \
	TCPOPT_COUNTER(asked, "requests sent");                                             \
	TCPOPT_COUNTER(echoed, "of these, those that the peer's kernel has");               \
	TCPOPT_COUNTER(lost, "of these, those that it did not answer");                     \
	TCPOPT_COUNTER(refused, "calls that the kernel refused, of any kind");              \
	TCPOPT_COUNTER(received, "requests of the peer that are well-formed and new");      \
	TCPOPT_COUNTER(repeated, "ignored: what it asked for before");                      \
	TCPOPT_COUNTER(not_allowed, "ignored: the policy of this end is against it");       \
	TCPOPT_COUNTER(bad_length, "ignored: a value of another length");                   \
	TCPOPT_COUNTER(bad_value, "ignored: a value that means nothing, or unknown bits")

#define ASK_STATS_SIZE (12 * sizeof(__u64))

#endif /* TCPOPT_ASK_PARAM_H */
