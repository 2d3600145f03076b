// SPDX-License-Identifier: GPL-2.0
/* A subflow between each local and each remote address of the same family.
 *
 * Local addresses are what the loader lists for the namespace, or until it does
 * what the kernel tells; remote ones are the first and what the peer announces.
 * fullmesh_adjust.h does the work.
 */
#include "fullmesh.h"
#include "../tcpopt_maps.h"
#include "../tcpopt_pm_session.h"

TCPOPT_MAPS(fullmesh);
PM_NAME("fullmesh");

#include "../tcpopt_addr.bpf.h"

TCPOPT_LOCAL_ADDR_MAPS;
TCPOPT_LOCAL_ADDR_LISTS;

#include "fullmesh_own.h"
PM_KEEPS;
#include "../tcpopt_pm_reset.h"
#include "../tcpopt_pm_syn.h"
#include "fullmesh_local.h"
#include "fullmesh_repeat.h"
#include "fullmesh_adjust.h"

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	struct tcpopt_own *own = pm_own(msk);

	if (!own)
		return;
	pm_first(msk, &own->first_local, &own->first_remote);
	fm_adjust(msk);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	fm_adjust(msk);
}

/* One that was announced before went out. */
SEC("struct_ops/announced")
void BPF_PROG(announced, struct mptcp_sock *msk)
{
	fm_adjust(msk);
}

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	const struct fullmesh_params *p = fullmesh_params();
	struct tcpopt_own *own = pm_own(msk);
	int place;

	if (!p || !own)
		return;
	place = pm_raddr_heard(msk, &own->announced, addr, p->follow_private);
	if (place == PM_RADDR_NO_ROOM)
		PM_COUNT(left_out);
	if (place < 0 || place >= PM_RADDRS_MAX)
		return;
	PM_COUNT(remote);
	/* A new one has nothing to wait for. */
	for (__u32 l = 0; l < FM_LOCALS; l++)
		own->backoff[l][place].delay = 0;
	fm_adjust(msk);
}

SEC("struct_ops/rm_addr_received")
void BPF_PROG(rm_addr_received, struct mptcp_sock *msk, __u32 id)
{
	const struct fullmesh_params *p = fullmesh_params();
	struct tcpopt_own *own = pm_own(msk);

	if (!p || !own)
		return;
	if (pm_raddr_remove(&own->announced, id) >= 0)
		PM_COUNT(remote_gone);
	/* A peer may say it again, in case we did not hear. */
	if (id || own->first_gone)
		return;
	PM_COUNT(remote_gone);
	own->first_gone = 1;
	for (__u32 l = 0; l < FM_LOCALS; l++) {
		own->backoff[l][FM_FIRST].delay = 0;
		pm_put_off(&own->backoff[l][FM_FIRST], pm_now(), p->retry, p->retry_max);
	}
}

SEC("struct_ops/local_addr")
void BPF_PROG(local_addr, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf, bool up)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_addr addr = {};
	__u64 netns = pm_netns(msk), l;
	struct fm_local *local;

	if (!own)
		return;
	pm_copy_addr(&addr, &sf->local);
	/* The loader leaves these out, too, unless it is asked for them. */
	if (pm_scope(&addr) == PM_SCOPE_NOWHERE)
		return;
	l = fm_find_local(own, &addr);
	/* The loader's list says what to use; it may be late to say what is gone. */
	if (l >= FM_LOCALS && up && !bpf_map_lookup_elem(&local_addr_map, &netns)) {
		l = fm_place(own, &addr);
		if (l >= FM_LOCALS)
			PM_COUNT(left_out);
	}
	if (l >= FM_LOCALS)
		return;
	local = &own->local[l];
	if (up) {
		local->up = sf->ifindex;
		if (local->down == sf->ifindex)
			local->down = 0;
	} else {
		local->down = sf->ifindex;
		if (local->up == sf->ifindex)
			local->up = 0;
	}
	bpf_mptcp_pm_timer(msk, 0);
}

/* What waited for another subflow can be done. */
SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_addr remote = {};

	PM_COUNT(established);
	if (!own)
		return;
	pm_copy_addr(&remote, &sf->remote);
	if (own->first_gone && fm_is_first(own, &remote)) {
		own->first_gone = 0;
		for (__u32 l = 0; l < FM_LOCALS; l++)
			own->backoff[l][FM_FIRST].delay = 0;
	}
	bpf_mptcp_pm_timer(msk, 0);
}

/* Wait before two addresses are tried again, if a wait is all it takes. */
static __always_inline void fm_note(struct pm_backoff *b, bool failed, enum pm_again again,
				    const struct fullmesh_params *p)
{
	__u32 now = pm_now();

	if (again == PM_AGAIN_NEVER) {
		b->delay = p->prohibited ? p->prohibited * FM_MS_PER_S : FM_NEVER;
		b->until = now + b->delay;
		return;
	}
	if (b->delay == FM_NEVER)
		return;
	/* It lasted longer than the wait before it. */
	if (again == PM_AGAIN_SOON || (!failed && (__s32)(now - b->until) > (__s32)b->delay))
		b->delay = 0;
	if (again == PM_AGAIN_LATE)
		b->delay = p->retry_max;
	pm_put_off(b, now, p->retry, p->retry_max);
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *gone,
	      __u32 why, __u32 detail)
{
	const struct fullmesh_params *p = fullmesh_params();
	bool failed = why == BPF_MPTCP_SUB_FAILED;
	struct tcpopt_own *own = pm_own(msk);
	enum pm_again again = PM_AGAIN;
	struct bpf_mptcp_subflow sf = {};
	__u64 l, r;

	if (!p || !own)
		return;
	if (why == BPF_MPTCP_SUB_RST)
		again = pm_after_reset(detail);
	if (failed)
		PM_COUNT(failed);
	else if (why != BPF_MPTCP_SUB_LOCAL)
		PM_COUNT(ended);
	if (again == PM_AGAIN_NEVER)
		PM_COUNT(prohibited);
	/* Whoever closed it: what is opened again at once may be closed at once. */
	pm_copy(&sf, gone);
	l = fm_find_local(own, &sf.local);
	r = fm_find_remote(own, pm_denied(msk), &sf.remote);
	/* An attempt that ends because the peer says again that the address is gone was in vain. */
	if (l < FM_LOCALS && r < FM_REMOTES)
		fm_note(&own->backoff[l][r], failed || (r == FM_FIRST && own->first_gone), again, p);
	if (l < FM_LOCALS && r == FM_FIRST && own->first_gone) {
		own->turn = l;
		for (__u32 i = 0; i < FM_LOCALS; i++)
			own->backoff[i][FM_FIRST] = own->backoff[l][FM_FIRST];
	}
	bpf_mptcp_pm_timer(msk, 0);
}

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.local_addr = (void *)local_addr,
	.announced = (void *)announced,
	.timer = (void *)timer,
	.name = "fullmesh",
};

SEC("sockops")
TCPOPT_HELP("path manager: a subflow between each local and each remote address")
TCPOPT_REQUIRES("mptcp-path-manager")
int fullmesh(struct bpf_sock_ops *skops)
{
	__u64 netns;

	if (skops->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		pm_few_syns(skops);
	if (skops->op != BPF_MPTCP_NEW_SESSION || !PM_CHOOSE(skops))
		return 1;
	netns = bpf_get_netns_cookie(skops);
	if (bpf_map_lookup_elem(&local_addr_map, &netns))
		return 1;
	/* A full ring: the loader is about to look anyway. */
	PM_COUNT(asked);
	bpf_ringbuf_output(&want_netns, &netns, sizeof(netns), 0);
	return 1;
}

PM_LIVE(fullmesh);

char _license[] SEC("license") = "GPL";
