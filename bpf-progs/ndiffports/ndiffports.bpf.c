// SPDX-License-Identifier: GPL-2.0
/* Several subflows between the same two addresses, which differ in a port only.
 *
 * Routers that spread flows over equal paths (ECMP) spread these, too. Another
 * number of `subflows` holds for live sessions: the youngest are closed, never
 * the first one. If the peer takes none there, they go to an address that it announces.
 */
#include "ndiffports.h"
#include "../tcpopt_maps.h"
#include "../tcpopt_pm_session.h"

TCPOPT_MAPS(ndiffports);
PM_NAME("ndiffports");

#include "../tcpopt_pm_number.h"
#include "../tcpopt_pm_raddr.h"

struct tcpopt_own {
	struct pm_number number;
	struct pm_raddr_list announced; /* for a peer that takes no join at its first one */
};
PM_KEEPS;

#define NDIFFPORTS_DOUBLINGS 60 /* the longest wait, in times of the first one */

/* Where subflows go to; all 0 is where the first one went. False: nowhere yet. */
static __always_inline bool ndiffports_remote(struct mptcp_sock *msk,
					      const struct tcpopt_own *own,
					      struct bpf_mptcp_addr *remote)
{
	struct bpf_mptcp_addr local = {}, first = {};

	if (!pm_denied(msk))
		return true;
	pm_first(msk, &local, &first);
	return pm_raddr_any(&own->announced, first.family, remote);
}

static __always_inline int ndiffports_open(struct mptcp_sock *msk)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow sf = {};

	if (!own || !ndiffports_remote(msk, own, &sf.remote))
		return -1;
	return bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
}

static __always_inline void ndiffports_adjust(struct mptcp_sock *msk)
{
	const struct ndiffports_params *p = ndiffports_params();
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_addr remote = {};
	struct pm_replace replace;

	if (!p || !own || (pm_is_server(msk) && !p->server) ||
	    !ndiffports_remote(msk, own, &remote))
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

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	const struct ndiffports_params *p = ndiffports_params();
	struct tcpopt_own *own = pm_own(msk);

	if (!p || !own || !pm_denied(msk))
		return;
	if (pm_raddr_heard(msk, &own->announced, addr, p->follow_private) >= 0)
		ndiffports_adjust(msk);
}

PM_FORGETS_RADDRS;

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
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.timer = (void *)timer,
	.name = "ndiffports",
};

PM_PROGRAM(ndiffports, "path manager: several subflows between the same two addresses");

char _license[] SEC("license") = "GPL";
