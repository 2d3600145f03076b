// SPDX-License-Identifier: GPL-2.0
/* A subflow between each local and each remote address of the same family.
 *
 * Local addresses are what the loader lists for the namespace, or until it does
 * what the kernel tells; remote ones are the first and what the peer announces.
 * All work is done in WAKE (fullmesh_wake.h); the rest takes notes.
 */
#include "fullmesh.h"
#include "../tcpopt_maps.h"

TCPOPT_MAPS(fullmesh);

#include "../tcpopt_addr.bpf.h"

TCPOPT_LOCAL_ADDR_MAPS;
TCPOPT_LOCAL_ADDR_LISTS;

#include "fullmesh_own.h"
#include "../tcpopt_pm.h"
#include "../tcpopt_pm_reset.h"
#include "fullmesh_wake.h"

static __always_inline void fm_new_session(struct bpf_sock_ops *skops)
{
	__u64 netns = bpf_get_netns_cookie(skops);

	if (PM_CLAIM(skops, 0) || bpf_map_lookup_elem(&local_addr_map, &netns))
		return;
	/* A full ring: the loader is about to look anyway. */
	PM_COUNT(asked);
	bpf_ringbuf_output(&want_netns, &netns, sizeof(netns), 0);
}

static __always_inline void fm_established(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};

	if (!s || !skops->args[1] || !pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf))
		return;
	pm_unmap(&sf.local);
	pm_unmap(&sf.remote);
	s->own.first_local = sf.local;
	s->own.first_remote = sf.remote;
	if (pm_established(skops, s))
		bpf_mptcp_wake(skops, 0);
}

/* A new address at place @r has nothing to wait for. */
static __always_inline void fm_fresh_remote(struct tcpopt_session *s, __u32 r)
{
	if (r >= FM_REMOTES)
		return;
	bpf_spin_lock(&s->lock);
	for (__u32 l = 0; l < FM_LOCALS; l++)
		s->own.backoff[l][r].delay = 0;
	bpf_spin_unlock(&s->lock);
}

static __always_inline void fm_remote(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	int place;

	if (!s)
		return;
	place = pm_raddr_add(skops);
	if (place == PM_RADDR_NO_ROOM)
		PM_COUNT(left_out);
	if (place < 0)
		return;
	PM_COUNT(remote);
	fm_fresh_remote(s, place);
	bpf_mptcp_wake(skops, 0);
}

static __always_inline void fm_local_event(struct bpf_sock_ops *skops, bool up)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct fm_local *local;
	__u64 l;

	if (!s || !pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf) || fm_of_no_use(&sf.local))
		return;
	l = fm_find_local(&s->own, &sf.local);
	/* The loader's list says what to use; it may be late to say what is gone. */
	if (l >= FM_LOCALS && up && !bpf_map_lookup_elem(&local_addr_map, &s->netns)) {
		l = fm_place(&s->own, &sf.local, skops->args[2], false);
		if (l >= FM_LOCALS)
			PM_COUNT(left_out);
	}
	if (l >= FM_LOCALS)
		return;
	local = &s->own.local[l];
	if (up)
		local->state = (local->state & ~FM_DOWN) | FM_TOLD;
	else
		local->state = (local->state & ~FM_TOLD) | FM_DOWN;
	bpf_mptcp_wake(skops, 0);
}

/* Wait before these two addresses are tried again, if a wait is all it takes. */
__noinline int fm_note(struct bpf_sock_ops *skops, __u64 l, __u64 r, bool failed,
		       __u32 again)
{
	const struct fullmesh_params *p = fullmesh_params();
	struct tcpopt_session *s = pm_session(skops);
	struct pm_backoff *b;
	__u32 now = pm_now();

	if (!p || !s || l >= FM_LOCALS || r >= FM_REMOTES)
		return 0;
	b = &s->own.backoff[l][r];
	bpf_spin_lock(&s->lock);
	if (again == PM_AGAIN_NEVER) {
		b->delay = FM_NEVER;
	} else if (b->delay != FM_NEVER) {
		/* It lasted longer than the wait before it. */
		if (again == PM_AGAIN_SOON ||
		    (!failed && (__s32)(now - b->until) > (__s32)b->delay))
			b->delay = 0;
		if (again == PM_AGAIN_LATE)
			b->delay = p->retry_max;
		pm_put_off(b, now, p->retry, p->retry_max);
	}
	bpf_spin_unlock(&s->lock);
	return 0;
}

static __always_inline void fm_closed(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 why = skops->args[2], detail = skops->args[3];
	bool failed = why == BPF_MPTCP_SUB_FAILED;
	enum pm_again again = PM_AGAIN;
	struct bpf_mptcp_subflow sf = {};
	__u64 l, r;

	if (!s || !pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf))
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
	pm_unmap(&sf.local);
	pm_unmap(&sf.remote);
	l = fm_find_local(&s->own, &sf.local);
	r = fm_find_remote(&s->own, pm_raddr_list(skops), s->denied, &sf.remote);
	fm_note(skops, l, r, failed, again);
	bpf_mptcp_wake(skops, 0);
}

SEC("sockops")
TCPOPT_HELP("path manager: a subflow between each local and each remote address")
TCPOPT_REQUIRES("mptcp-path-manager")
int fullmesh(struct bpf_sock_ops *skops)
{
	const struct fullmesh_params *p = fullmesh_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		fm_new_session(skops);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		fm_established(skops);
		break;
	case BPF_MPTCP_ADD_RADDR:
		fm_remote(skops);
		break;
	case BPF_MPTCP_REM_RADDR:
		if (pm_raddr_remove(skops) >= 0)
			PM_COUNT(remote_gone);
		break;
	case BPF_MPTCP_ADD_SOCK:
	case BPF_MPTCP_SYNACK_RCV:
		PM_COUNT(established);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		fm_closed(skops);
		break;
	case BPF_MPTCP_LADDR_UP:
		fm_local_event(skops, true);
		break;
	case BPF_MPTCP_LADDR_DOWN:
		fm_local_event(skops, false);
		break;
	case BPF_MPTCP_WAKE:
		fm_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_raddrs_forget(skops);
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int fullmesh_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
