// SPDX-License-Identifier: GPL-2.0
/* Several subflows between the same two addresses, which differ in a port only.
 *
 * Routers that spread flows over equal paths (ECMP) spread these, too. Another
 * number of `subflows` holds for live sessions: the youngest are closed, never
 * the first one.
 */
#include "ndiffports.h"
#include "../tcpopt_maps.h"
#include "../tcpopt_pm_session.h"

TCPOPT_MAPS(ndiffports);
PM_NAME("ndiffports");

#include "../tcpopt_pm_number.h"

struct tcpopt_own {
	struct pm_number number;
};
PM_KEEPS;

#define NDIFFPORTS_DOUBLINGS 60 /* the longest wait, in times of the first one */

static __always_inline int ndiffports_open(struct mptcp_sock *msk)
{
	struct bpf_mptcp_subflow any = {};

	return bpf_mptcp_pm_open(msk, &any, sizeof(any));
}

static __always_inline void ndiffports_adjust(struct mptcp_sock *msk)
{
	const struct ndiffports_params *p = ndiffports_params();
	struct tcpopt_own *own = pm_own(msk);
	struct pm_replace replace;

	if (!p || !own || pm_denied(msk) || (pm_is_server(msk) && !p->server))
		return;
	replace.on = p->replace;
	replace.min = p->retry;
	replace.max = p->retry * NDIFFPORTS_DOUBLINGS;
	pm_keep(msk, &own->number, p->subflows, &replace, ndiffports_open);
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	if (pm_denied(msk))
		PM_COUNT(denied);
	ndiffports_adjust(msk);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	ndiffports_adjust(msk);
}

SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established)
{
	PM_COUNT(established);
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk)
{
	ndiffports_adjust(msk);
}

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.timer = (void *)timer,
	.name = "ndiffports",
};

PM_PROGRAM(ndiffports, "path manager: several subflows between the same two addresses");

char _license[] SEC("license") = "GPL";
