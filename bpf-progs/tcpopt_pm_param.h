/* SPDX-License-Identifier: GPL-2.0 */
/* Parameters that path managers share. */
#ifndef TCPOPT_PM_PARAM_H
#define TCPOPT_PM_PARAM_H

#include "tcpopt_param.h"

/* What a peer may cause, see tcpopt_pm_raddr.h. */
#define PM_PARAM_PRIVATE                                                                    \
	TCPOPT_PARAM(__u32, follow_private, "", 0, 1, 0,                                    \
		     "1: also go to private addresses that a peer with a public one announces")

#endif /* TCPOPT_PM_PARAM_H */
