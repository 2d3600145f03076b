// SPDX-License-Identifier: GPL-2.0
/* Further subflows only for sessions that last: after some bytes or some time,
 * whichever is first. Short ones would never use them.
 *
 * They go to the addresses that the peer announced, one each, and then between
 * the two addresses of the first one. Those that end are not replaced.
 */
#include "delay.h"
#include "../tcpopt_maps.h"
#include "../tcpopt_pm_session.h"

TCPOPT_MAPS(delay);
PM_NAME("delay");

#include "../tcpopt_pm_number.h"
#include "../tcpopt_pm_raddr.h"

struct tcpopt_own {
	struct pm_number number;
	__u32 due; /* for either reason: once and for all */
	__u32 taken; /* places of announced addresses that have a subflow, bit by bit */
	__u64 since; /* ns, when the session was established or taken over */
	struct pm_raddr_list announced;
};
PM_KEEPS;

static const struct pm_replace delay_replace; /* by none */

__noinline int delay_look(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow *sf;

	if (!own)
		return 0;
	own->taken = 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		struct bpf_mptcp_addr remote = {};

		pm_copy_addr(&remote, &sf->remote);
		if (pm_live(sf))
			own->taken |= 1 << pm_raddr_find(&own->announced, &remote);
	}
	return 0;
}

/* To an announced address: it may be of a family that this session cannot have. */
static __always_inline int delay_open_announced(struct mptcp_sock *msk, struct tcpopt_own *own)
{
	for (__u32 i = 0; i < PM_RADDRS_MAX; i++) {
		struct bpf_mptcp_subflow sf = {};
		int id;

		if (!own->announced.addr[i].family || own->taken & 1 << i)
			continue;
		own->taken |= 1 << i;
		sf.remote = own->announced.addr[i];
		id = bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
		if (id > 0)
			return id;
		PM_COUNT(refused);
	}
	return -1;
}

__noinline int delay_open(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow any = {};
	int id;

	if (!own)
		return -1;
	id = delay_open_announced(msk, own);
	if (id > 0)
		return id;
	return pm_denied(msk) ? -1 : bpf_mptcp_pm_open(msk, &any, sizeof(any));
}

/* Returns the ms that are left, 0: none or for ever. */
static __always_inline __u32 delay_until_due(struct mptcp_sock *msk, struct tcpopt_own *own,
					     const struct delay_params *p)
{
	__u64 lasted = (bpf_ktime_get_ns() - own->since) / PM_NS_PER_MS;

	if (own->due)
		return 0;
	if (p->bytes && msk->bytes_received >= p->bytes) {
		own->due = 1;
		PM_COUNT(due_bytes);
		return 0;
	}
	if (!p->after)
		return 0;
	if (lasted < p->after)
		return p->after - lasted;
	own->due = 1;
	PM_COUNT(due_time);
	return 0;
}

static __always_inline void delay_adjust(struct mptcp_sock *msk)
{
	const struct delay_params *p = delay_params();
	struct tcpopt_own *own = pm_own(msk);
	__u32 left;

	if (!p || !own || (pm_is_server(msk) && !p->server))
		return;
	left = delay_until_due(msk, own, p);
	if (left)
		bpf_mptcp_pm_timer(msk, left);
	if (!own->due)
		return;
	delay_look(msk);
	pm_keep(msk, &own->number, p->subflows + 1, &delay_replace, delay_open);
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	struct tcpopt_own *own = pm_own(msk);

	if (own && !own->since)
		own->since = bpf_ktime_get_ns();
	delay_adjust(msk);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	delay_adjust(msk);
}

SEC("struct_ops/data_received")
void BPF_PROG(data_received, struct mptcp_sock *msk)
{
	const struct delay_params *p = delay_params();
	struct tcpopt_own *own = pm_own(msk);

	if (p && own && !own->due && p->bytes && msk->bytes_received >= p->bytes)
		bpf_mptcp_pm_timer(msk, 0);
}

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	const struct delay_params *p = delay_params();
	struct tcpopt_own *own = pm_own(msk);
	int place;

	if (!p || !own)
		return;
	place = pm_raddr_heard(msk, &own->announced, addr, p->follow_private);
	if (place >= 0)
		PM_COUNT(announced);
	else if (place == PM_RADDR_NO_ROOM)
		PM_COUNT(left_out);
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
	delay_adjust(msk);
}

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.data_received = (void *)data_received,
	.timer = (void *)timer,
	.name = "delay",
};

PM_PROGRAM(delay, "path manager: further subflows only for sessions that last");

char _license[] SEC("license") = "GPL";
