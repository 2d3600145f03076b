/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TCPOPT_PMFAULT_H
#define TCPOPT_PMFAULT_H

#include "../../../bpf-progs/tcpopt_param.h"

/* Clients are those whose port is not that one. */
struct pmfault_params {
	TCPOPT_PARAM(__u32, port, "", 0, 65535, 7100, "of the servers");
	TCPOPT_PARAM(__u32, again, "", 0, 1, 0, "client: WAKE asks for the next one");
	TCPOPT_PARAM(__u32, reopen, "", 0, 1, 0, "and for a subflow that cannot be opened");
	TCPOPT_PARAM(__u32, resend, "", 0, 1, 0, "the end of an option sends the next one");
	TCPOPT_PARAM(__u32, helpers, "", 0, 1, 0, "without a subflow: what may not be reached");
	TCPOPT_PARAM(__u32, none, "", 0, 1, 0, "client: open with a sockaddr of a map that has none");
	TCPOPT_PARAM(__u32, watch, "", 0, 1, 0, "own an option");
};

struct pmfault_stats {
	__u64 sessions; /* NEW_SESSION */
	__u64 closed; /* CLOSE_SESSION */
	__u64 late; /* callbacks of a session that was closed */
	__u64 asked; /* for subflows that cannot be opened */
	__u64 woken; /* WAKE */
	__u64 ended; /* OPTION_DONE */
	__u64 without; /* callbacks without a subflow */
	__u64 reached; /* helpers that took something for a tcp_sock, one bit each */
	__u64 other; /* helpers that should have worked and did not, one bit each */
	__u64 refused; /* no sockaddr with a length */
	__u64 schedulers; /* first letters of their names, in FULLY_ESTABLISHED, one bit each */
};

#endif
