/* SPDX-License-Identifier: GPL-2.0 */
/* fullmesh: compare what there is with what there should be.
 *
 * Each step looks the session up by itself, see tcpopt_pm_subflow.h.
 */
#ifndef TCPOPT_FULLMESH_ADJUST_H
#define TCPOPT_FULLMESH_ADJUST_H

#define FM_AGAIN 100 /* ms, when the kernel says EAGAIN, or a route is not there yet */

/* Is this subflow to go because its local address is gone? One that the
 * application or the peer made goes only with an address that was there.
 */
static __always_inline bool fm_homeless(const struct fm_local *local,
					const struct bpf_mptcp_subflow *sf)
{
	if (local->state & FM_USABLE)
		return pm_ours(sf) && fm_elsewhere(local, sf);
	return pm_ours(sf) || local->down || local->state & FM_KNOWN;
}

/* Notes which pairs have a subflow, in a session that has @sf. Will it be left? */
__noinline int fm_look_at(struct mptcp_sock *msk __arg_trusted, const struct bpf_mptcp_subflow *sf)
{
	struct tcpopt_own *own = pm_own(msk);
	struct fm_local *local;
	__u64 l, r;

	if (!own || !sf || !pm_live(sf))
		return 0;
	l = fm_find_local(own, &sf->local);
	if (l >= FM_LOCALS)
		return sf->state == PM_ESTABLISHED;
	local = &own->local[l];
	r = fm_find_remote(own, pm_denied(msk), &sf->remote);
	local->subflows++;
	if (!fm_elsewhere(local, sf))
		local->pairs |= 1 << r;
	local->id = sf->local.id;
	local->state |= FM_SEEN;
	fm_set_backup(msk, local, sf);
	return sf->state == PM_ESTABLISHED && !fm_homeless(local, sf);
}

/* Which pairs have a subflow? Returns how many subflows will be left. */
__noinline __u32 fm_look(struct mptcp_sock *msk __arg_trusted)
{
	struct bpf_mptcp_subflow *sf;
	__u32 stay = 0;

	bpf_for_each(mptcp_subflow, sf, msk) {
		struct bpf_mptcp_subflow copy = {};

		pm_copy(&copy, sf);
		stay += fm_look_at(msk, &copy);
	}
	return stay;
}

/* Closes a subflow that has no address any more, unless nothing else is left (@stay is
 * 0): it may come back.
 */
__noinline int fm_close_one(struct mptcp_sock *msk __arg_trusted,
			    const struct bpf_mptcp_subflow *sf, __u32 stay, __u32 per_interface)
{
	struct tcpopt_own *own = pm_own(msk);
	struct fm_local *local;
	__u64 l;

	if (!own || !sf || !pm_live(sf))
		return 0;
	l = fm_find_local(own, &sf->local);
	if (l >= FM_LOCALS)
		return 0;
	local = &own->local[l];
	if (!fm_homeless(local, sf)) {
		if (per_interface && pm_ours(sf) && sf->id > own->over &&
		    fm_on_interface(own, local->ifindex) > per_interface)
			own->over = sf->id;
		return 0;
	}
	if (!stay)
		return 0;
	if (bpf_mptcp_pm_close(msk, sf->id))
		PM_COUNT(refused);
	else
		PM_COUNT(closed);
	return 0;
}

__noinline int fm_close_homeless(struct mptcp_sock *msk __arg_trusted, __u32 stay,
				 __u32 per_interface)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow *sf;

	if (!own)
		return 0;
	own->over = 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		struct bpf_mptcp_subflow copy = {};

		pm_copy(&copy, sf);
		fm_close_one(msk, &copy, stay, per_interface);
	}
	if (!own->over)
		return 0;
	if (bpf_mptcp_pm_close(msk, own->over)) {
		PM_COUNT(refused);
	} else {
		PM_COUNT(over);
		bpf_mptcp_pm_timer(msk, 0); /* perhaps another one */
	}
	return 0;
}

/* The remote address at a place, if subflows may go there. */
static __always_inline bool fm_remote_at(const struct tcpopt_own *own, bool denied, __u32 r,
					 struct bpf_mptcp_addr *remote)
{
	if (r == FM_FIRST) {
		*remote = own->first_remote;
		remote->id = 0;
		return !denied;
	}
	if (r >= PM_RADDRS_MAX || !own->announced.addr[r].family)
		return false;
	*remote = own->announced.addr[r];
	return denied || !fm_is_first(own, remote);
}

/* What became of an attempt. Returns the ms to wait before the next one, 0: none. */
static __always_inline __u32 fm_refused(struct pm_backoff *b, int err, __u32 now,
					const struct fullmesh_params *p)
{
	if (err == -PM_EAGAIN)
		return FM_AGAIN;
	PM_COUNT(refused);
	if (err == -PM_EAFNOSUPPORT)
		b->delay = FM_NEVER;
	else
		pm_put_off(b, now, p->retry, p->retry_max);
	return b->delay == FM_NEVER ? 0 : b->delay;
}

/* A subflow between two places, if there is none and may be one. Returns the ms
 * that it has to wait yet; 0: it has not.
 */
__noinline __u32 fm_open(struct mptcp_sock *msk __arg_trusted, __u64 l, __u64 r, __u32 now)
{
	const struct fullmesh_params *p = fullmesh_params();
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow sf = {};
	struct fm_local *local;
	struct pm_backoff *b;
	__u32 left;
	int id;

	if (!p || !own || l >= FM_LOCALS || r >= FM_REMOTES)
		return 0;
	local = &own->local[l];
	b = &own->backoff[l][r];
	left = pm_left(b, now);
	if (b->delay == FM_NEVER || !fm_remote_at(own, pm_denied(msk), r, &sf.remote) ||
	    sf.remote.family != local->family)
		return 0;
	if (p->per_interface && fm_on_interface(own, local->ifindex) >= p->per_interface)
		return 0;
	if (left)
		return left;
	sf.flags = local->backup ? BPF_MPTCP_SUBFLOW_BACKUP : 0;
	if (local->routed_until && (__s32)(now - local->routed_until) < 0)
		sf.flags |= BPF_MPTCP_OPEN_ROUTED;
	else
		local->routed_until = 0;
	sf.ifindex = fm_bind(local);
	sf.local.family = local->family;
	memcpy(sf.local.addr, local->addr, sizeof(local->addr));
	id = bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
	if (id == -PM_ENETUNREACH && sf.flags & BPF_MPTCP_OPEN_ROUTED)
		return FM_AGAIN;
	if (id < 0) {
		if (r == FM_FIRST && own->first_gone)
			own->turn = l; /* another one may reach it */
		return fm_refused(b, id, now, p);
	}
	PM_COUNT(opened);
	local->subflows++;
	return 0;
}

/* Places of remote addresses of a family that subflows may go to, bit by bit. */
__noinline __u32 fm_remotes(struct mptcp_sock *msk __arg_trusted, __u32 family)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_addr remote = {};
	__u32 places = 0;

	if (!own)
		return 0;
	for (__u32 r = 0; r < FM_REMOTES; r++)
		if (fm_remote_at(own, pm_denied(msk), r, &remote) && remote.family == family)
			places |= 1 << r;
	return places;
}

/* The pairs of one local address with the places of remote ones. Returns the ms after which
 * to look again, 0: none. A function of its own, or the verifier goes through it for each
 * local address.
 */
__noinline __u32 fm_fill_local(struct mptcp_sock *msk __arg_trusted, __u64 l, __u32 places,
			       __u32 now)
{
	__u32 next = 0;

	for (__u32 r = 0; places && r < FM_REMOTES; r++)
		if (places & 1 << r)
			next = pm_sooner(next, fm_open(msk, l, r, now));
	return next;
}

/* All pairs that have no subflow. Returns the ms after which to look again, 0: none. */
__noinline __u32 fm_fill(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	__u32 now = pm_now(), next = 0, inet, inet6;
	__u64 scout;

	if (!own)
		return 0;
	scout = fm_scout(own);
	inet = fm_remotes(msk, AF_INET);
	inet6 = pm_inet6(msk) ? fm_remotes(msk, AF_INET6) : 0;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];
		__u32 places = local->family == AF_INET ? inet : inet6;

		if ((local->state & (FM_USABLE | FM_OLD)) != FM_USABLE)
			continue;
		places &= ~local->pairs;
		if (own->first_gone && l != scout)
			places &= ~(1 << FM_FIRST);
		if (places)
			next = pm_sooner(next, fm_fill_local(msk, l, places, now));
	}
	return next;
}

/* Returns false if the one before is not out yet: announced() comes when it is. */
static __always_inline bool fm_announce(struct mptcp_sock *msk, struct tcpopt_own *own,
					struct fm_local *local)
{
	struct bpf_mptcp_addr addr = { .family = local->family };
	int id;

	if (fm_is(local, &own->first_local))
		return true; /* the peer is there */
	memcpy(addr.addr, local->addr, sizeof(local->addr));
	id = bpf_mptcp_pm_announce(msk, &addr, sizeof(addr));
	if (id == -PM_EBUSY)
		return false;
	if (id < 0) {
		PM_COUNT(refused);
		return true;
	}
	PM_COUNT(announced);
	local->id = id;
	local->state |= FM_ANNOUNCED | FM_SEEN;
	return true;
}

/* Tell the peer what is gone, as long as its subflows are there: the kernel has
 * nothing to say of an address that it neither announced nor uses. Where nothing
 * else is left there is no way to tell, and the address may come back.
 */
__noinline int fm_withdraw(struct mptcp_sock *msk __arg_trusted, __u32 stay, __u32 announce)
{
	struct tcpopt_own *own = pm_own(msk);

	if (!own)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];
		bool gone = !(local->state & FM_USABLE) && local->state & FM_SEEN && stay;
		int err;

		if (!gone && (announce || !(local->state & FM_ANNOUNCED)))
			continue;
		err = bpf_mptcp_pm_withdraw(msk, local->id);
		if (err == -PM_EBUSY)
			break;
		if (err) {
			PM_COUNT(refused);
		} else {
			PM_COUNT(withdrawn);
			fm_is_gone(own, local->id);
		}
		local->state &= ~(FM_SEEN | FM_ANNOUNCED);
	}
	return 0;
}

/* Announce what came; the places of what is gone are free. */
__noinline int fm_finish(struct mptcp_sock *msk __arg_trusted, __u32 announce)
{
	struct tcpopt_own *own = pm_own(msk);

	if (!own)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];

		if (announce &&
		    (local->state & (FM_USABLE | FM_OLD | FM_ANNOUNCED)) == FM_USABLE &&
		    (local->family == AF_INET || pm_inet6(msk)))
			announce = fm_announce(msk, own, local);
		if ((own->has_list || !local->up) &&
		    !(local->state & (FM_LISTED | FM_NAMED | FM_USABLE | FM_SEEN | FM_ANNOUNCED)))
			local->state = 0;
	}
	return 0;
}

static __always_inline void fm_adjust(struct mptcp_sock *msk)
{
	const struct fullmesh_params *p = fullmesh_params();
	bool announce, server = pm_is_server(msk);
	__u32 stay, next = 0;

	if (!p)
		return;
	announce = server && p->announce;
	fm_sync(msk);
	stay = fm_look(msk);
	fm_withdraw(msk, stay, announce);
	fm_close_homeless(msk, stay, p->per_interface);
	if (!server || p->server)
		next = fm_fill(msk);
	fm_finish(msk, announce);
	next = pm_sooner(next, fm_prio_next(msk));
	if (stay)
		next = pm_sooner(next, fm_tell_gone(msk));
	if (next)
		bpf_mptcp_pm_timer(msk, next);
}

#endif /* TCPOPT_FULLMESH_ADJUST_H */
