// SPDX-License-Identifier: GPL-2.0
/* Several subflows between the same two addresses, which differ in a port only.
 *
 * Routers that spread flows over equal paths (ECMP) spread these, too. Another
 * number of `subflows` holds for live sessions: the youngest are closed, never
 * the first one.
 */
#include "ndiffports.h"
#include "../tcpopt_maps.h"

TCPOPT_MAPS(ndiffports);

#include "../tcpopt_pm_number.h"

struct tcpopt_own {
	struct pm_number number; /* used in WAKE only */
};

#include "../tcpopt_pm.h"

#define NDIFFPORTS_DOUBLINGS 60 /* the longest wait, in times of the first one */

static __always_inline int ndiffports_open(struct bpf_sock_ops *skops, void *unused)
{
	(void)unused;
	return bpf_open_subflow(skops, NULL, 0, NULL, 0);
}

static __always_inline void ndiffports_wake(struct bpf_sock_ops *skops,
					    const struct ndiffports_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	struct pm_replace replace = {
		.on = p->replace,
		.min = p->retry,
		.max = p->retry * NDIFFPORTS_DOUBLINGS,
	};
	__u32 wait;

	if (!s || !s->established || s->denied || (s->server && !p->server))
		return;
	wait = pm_keep(skops, &s->own.number, p->subflows, &replace, ndiffports_open, NULL);
	if (wait)
		bpf_mptcp_wake(skops, wait);
}

static __always_inline void ndiffports_established(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (!s || !pm_established(skops, s))
		return;
	if (s->denied)
		PM_COUNT(denied);
	bpf_mptcp_wake(skops, 0);
}

SEC("sockops")
TCPOPT_HELP("path manager: several subflows between the same two addresses")
TCPOPT_REQUIRES("mptcp-path-manager")
int ndiffports(struct bpf_sock_ops *skops)
{
	const struct ndiffports_params *p = ndiffports_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		PM_CLAIM(skops, 0);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		ndiffports_established(skops);
		break;
	case BPF_MPTCP_ADD_SOCK:
	case BPF_MPTCP_SYNACK_RCV:
		PM_COUNT(established);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		bpf_mptcp_wake(skops, 0);
		break;
	case BPF_MPTCP_WAKE:
		ndiffports_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int ndiffports_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
