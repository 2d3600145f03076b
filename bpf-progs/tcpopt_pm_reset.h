/* SPDX-License-Identifier: GPL-2.0 */
/* What the reason of a RST says about trying again (RFC 8684, section 3.6). */
#ifndef TCPOPT_PM_RESET_H
#define TCPOPT_PM_RESET_H

#include "tcpopt_pm_subflow.h"

enum {
	PM_RST_UNSPECIFIED = 0,
	PM_RST_MPTCP = 1, /* an error in MPTCP's options */
	PM_RST_RESOURCES = 2, /* the peer lacks some */
	PM_RST_PROHIBITED = 3, /* administratively */
	PM_RST_OUTSTANDING = 4, /* too much data that went over other subflows meanwhile */
	PM_RST_PERFORMANCE = 5, /* too low */
	PM_RST_MIDDLEBOX = 6, /* interferes */
	PM_RST_REASON = 0xff,
};

enum pm_again {
	PM_AGAIN_NEVER, /* between these two addresses */
	PM_AGAIN, /* after the usual wait */
	PM_AGAIN_LATE, /* after the longest wait: it takes time to get better */
	PM_AGAIN_SOON, /* after the shortest one: a new start is what the peer wants */
};

/* @detail: of BPF_MPTCP_SUB_RST. Without a reason it is a RST of a middlebox, or
 * of a peer that has nothing to say against another subflow.
 */
static __always_inline enum pm_again pm_after_reset(__u32 detail)
{
	__u32 reason = detail & PM_RST_REASON;

	if (reason == PM_RST_UNSPECIFIED)
		return PM_AGAIN;
	if (!(detail & BPF_MPTCP_SUB_TRANSIENT))
		return PM_AGAIN_NEVER;
	if (reason == PM_RST_RESOURCES || reason == PM_RST_PERFORMANCE)
		return PM_AGAIN_LATE;
	return reason == PM_RST_OUTSTANDING ? PM_AGAIN_SOON : PM_AGAIN;
}

#endif /* TCPOPT_PM_RESET_H */
