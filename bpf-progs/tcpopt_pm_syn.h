/* SPDX-License-Identifier: GPL-2.0 */
/* An attempt to join of few SYNs, so that what a dead path costs is known, and so that
 * the next attempt is not put off by this one's own waits.
 */
#ifndef TCPOPT_PM_SYN_H
#define TCPOPT_PM_SYN_H

#include "tcpopt_pm_session.h"
#include <linux/tcp.h>

#define PM_SYN_RETRIES 1 /* fewer cannot be asked for */
/* Of an attempt, at most. The kernel adds net.ipv4.tcp_syn_linear_timeouts to the
 * retries, but ends it when the time of those that were asked for is over: after
 * three times the first wait. Without back-off that is enough for a third SYN.
 */
#define PM_SYNS 3

/* In BPF_SOCK_OPS_TCP_CONNECT_CB: the kernel is about to send the SYN of a subflow.
 * False: it is none of a session of ours, or the first one.
 */
static __always_inline bool pm_few_syns(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);
	int retries = PM_SYN_RETRIES;

	/* Something is kept of a session from when it is established. */
	if (!msk || !bpf_sk_storage_get(&sessions, (void *)msk, NULL, 0))
		return false;
	return !bpf_setsockopt(skops, SOL_TCP, TCP_SYNCNT, &retries, sizeof(retries));
}

#endif /* TCPOPT_PM_SYN_H */
