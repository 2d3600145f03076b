/* SPDX-License-Identifier: GPL-2.0 */
/* fullmesh in BPF_MPTCP_WAKE: compare what there is with what there should be.
 *
 * Each step looks the session up by itself, see tcpopt_pm_subflow.h.
 */
#ifndef TCPOPT_FULLMESH_WAKE_H
#define TCPOPT_FULLMESH_WAKE_H

/* Take over what is listed now. */
static __always_inline void fm_take_list(struct tcpopt_own *own, const struct tcpopt_addrs *list)
{
	for (__u32 i = 0; i < TCPOPT_ADDRS_MAX; i++) {
		const struct tcpopt_addr *from = &list->addr[i];
		struct bpf_mptcp_addr addr = { .family = from->family };
		struct fm_local *local;
		__u64 l;

		if (i >= list->nr)
			break;
		memcpy(addr.addr, from->addr, sizeof(from->addr));
		l = fm_place(own, &addr, from->ifindex, from->type == FM_ARPHRD_LOOPBACK);
		if (l >= FM_LOCALS) {
			PM_COUNT(left_out);
			continue;
		}
		local = &own->local[l];
		local->state |= FM_LISTED | FM_KNOWN;
		local->backup = from->flags & TCPOPT_ADDR_BACKUP;
	}
}

/* Without a list there is at least the address that the session began with. */
static __always_inline void fm_take_first(struct tcpopt_own *own)
{
	struct bpf_mptcp_addr first = own->first_local;
	__u64 l;

	if (fm_of_no_use(&first) || fm_find_local(own, &first) < FM_LOCALS)
		return;
	l = fm_place(own, &first, 0, true);
	if (l < FM_LOCALS)
		own->local[l].state = FM_TOLD;
}

/* What came back, or is new, has nothing to wait for. */
static __always_inline void fm_fresh_local(struct tcpopt_session *s, __u32 l)
{
	bpf_spin_lock(&s->lock);
	for (__u32 r = 0; r < FM_REMOTES; r++)
		s->own.backoff[l][r].delay = 0;
	bpf_spin_unlock(&s->lock);
}

/* Bring the table of local addresses up to date. */
__noinline int fm_sync(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	const struct tcpopt_addrs *list;

	if (!s)
		return 0;
	list = bpf_map_lookup_elem(&local_addr_map, &s->netns);
	for (__u32 l = 0; l < FM_LOCALS && l < s->own.places; l++)
		s->own.local[l].state &= ~(list ? FM_LISTED | FM_TOLD : FM_LISTED);
	if (list)
		fm_take_list(&s->own, list);
	else
		fm_take_first(&s->own);
	for (__u32 l = 0; l < FM_LOCALS && l < s->own.places; l++) {
		struct fm_local *local = &s->own.local[l];
		bool there = local->state & (FM_LISTED | FM_TOLD);
		bool usable = there && !(local->state & FM_DOWN);

		if (local->state & FM_USABLE && !usable)
			PM_COUNT(local_gone);
		if (usable && !(local->state & FM_USABLE))
			fm_fresh_local(s, l);
		local->state = (local->state & ~FM_USABLE) | (usable ? FM_USABLE : 0);
		local->subflows = 0;
		local->pairs = 0;
	}
	return 0;
}

/* Is this subflow to go because its local address is gone? One that the
 * application or the peer made goes only with an address that was there.
 */
static __always_inline bool fm_homeless(const struct fm_local *local,
					const struct bpf_mptcp_subflow *sf)
{
	return !(local->state & FM_USABLE) &&
	       (pm_ours(sf) || local->state & (FM_DOWN | FM_KNOWN));
}

static __always_inline void fm_set_backup(struct bpf_sock_ops *skops,
					  const struct fm_local *local,
					  const struct bpf_mptcp_subflow *sf)
{
	bool is = sf->flags & BPF_MPTCP_SUBFLOW_BACKUP, want = local->backup;

	if (is == want || sf->state != PM_ESTABLISHED ||
	    !(sf->flags & BPF_MPTCP_SUBFLOW_ACTIVE) || !(local->state & FM_LISTED))
		return;
	if (bpf_mptcp_set_backup(skops, sf->id, want))
		PM_COUNT(refused);
	else
		PM_COUNT(priority);
}

/* Which pairs have a subflow? Returns how many subflows will be left. */
__noinline __u32 fm_look(struct bpf_sock_ops *skops)
{
	const struct pm_raddr_list *list = pm_raddr_list(skops);
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct fm_local *local;
	__u32 stay = 0;
	__u64 l, r;

	if (!s)
		return 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (!pm_live(&sf))
			continue;
		pm_unmap(&sf.local);
		pm_unmap(&sf.remote);
		l = fm_find_local(&s->own, &sf.local);
		if (l >= FM_LOCALS) {
			stay += sf.state == PM_ESTABLISHED;
			continue;
		}
		local = &s->own.local[l];
		r = fm_find_remote(&s->own, list, s->denied, &sf.remote);
		local->subflows++;
		local->pairs |= 1 << r;
		local->id = sf.local.id;
		local->state |= FM_SEEN;
		fm_set_backup(skops, local, &sf);
		stay += sf.state == PM_ESTABLISHED && !fm_homeless(local, &sf);
	}
	return stay;
}

/* Close what has no address any more, unless nothing else is left (@stay is 0):
 * it may come back. Returns the youngest subflow on an interface that has too
 * many, 0: none.
 */
__noinline __u32 fm_close_homeless(struct bpf_sock_ops *skops, __u32 stay, __u32 per_interface)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct fm_local *local;
	__u32 over = 0;
	__u64 l;

	if (!s)
		return 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (!pm_live(&sf))
			continue;
		pm_unmap(&sf.local);
		l = fm_find_local(&s->own, &sf.local);
		if (l >= FM_LOCALS)
			continue;
		local = &s->own.local[l];
		if (!fm_homeless(local, &sf)) {
			if (per_interface && pm_ours(&sf) && sf.id > over &&
			    fm_on_interface(&s->own, local->ifindex) > per_interface)
				over = sf.id;
			continue;
		}
		if (!stay)
			continue;
		if (bpf_mptcp_close_subflow(skops, sf.id))
			PM_COUNT(refused);
		else
			PM_COUNT(closed);
	}
	return over;
}

/* The remote address at a place, if subflows may go there. */
static __always_inline bool fm_remote_at(const struct tcpopt_session *s,
					 const struct pm_raddr_list *list, __u32 r,
					 struct bpf_mptcp_addr *remote)
{
	if (r == FM_FIRST) {
		*remote = s->own.first_remote;
		remote->id = 0;
		return !s->denied;
	}
	if (!list || r >= PM_RADDRS_MAX || !list->addr[r].family)
		return false;
	*remote = list->addr[r];
	return s->denied || !fm_is_first(&s->own, remote);
}

/* A subflow between two places, if there is none and may be one. Returns the ms
 * that it has to wait yet; 0: it has not.
 */
__noinline __u32 fm_open(struct bpf_sock_ops *skops, __u64 l, __u64 r, __u32 now)
{
	const struct fullmesh_params *p = fullmesh_params();
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct fm_local *local;
	struct pm_backoff *b;
	__u32 left;
	int err;

	if (!p || !s || l >= FM_LOCALS || r >= FM_REMOTES)
		return 0;
	local = &s->own.local[l];
	b = &s->own.backoff[l][r];
	left = pm_left(b, now);
	if (b->delay == FM_NEVER || !fm_remote_at(s, pm_raddr_list(skops), r, &sf.remote) ||
	    sf.remote.family != local->family)
		return 0;
	if (p->per_interface && fm_on_interface(&s->own, local->ifindex) >= p->per_interface)
		return 0;
	if (left)
		return left;
	sf.flags = local->backup ? BPF_MPTCP_SUBFLOW_BACKUP : 0;
	sf.ifindex = local->bind;
	sf.local.family = local->family;
	memcpy(sf.local.addr, local->addr, sizeof(local->addr));
	err = bpf_mptcp_open_subflow(skops, &sf, sizeof(sf));
	if (!err) {
		PM_COUNT(opened);
		local->subflows++;
		return 0;
	}
	PM_COUNT(refused);
	bpf_spin_lock(&s->lock);
	if (err == -PM_EAFNOSUPPORT)
		b->delay = FM_NEVER;
	else
		pm_put_off(b, now, p->retry, p->retry_max);
	left = b->delay == FM_NEVER ? 0 : b->delay;
	bpf_spin_unlock(&s->lock);
	return left;
}

/* Places of remote addresses of a family that subflows may go to, bit by bit. */
__noinline __u32 fm_remotes(struct bpf_sock_ops *skops, __u32 family)
{
	const struct pm_raddr_list *list = pm_raddr_list(skops);
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_addr remote = {};
	__u32 places = 0;

	if (!s)
		return 0;
	for (__u32 r = 0; r < FM_REMOTES; r++)
		if (fm_remote_at(s, list, r, &remote) && remote.family == family)
			places |= 1 << r;
	return places;
}

/* All pairs that have no subflow. Returns the ms after which to look again, 0: none. */
__noinline __u32 fm_fill(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 now = pm_now(), next = 0, inet, inet6;

	if (!s)
		return 0;
	inet = fm_remotes(skops, AF_INET);
	inet6 = s->inet6 ? fm_remotes(skops, AF_INET6) : 0;
	for (__u32 l = 0; l < FM_LOCALS && l < s->own.places; l++) {
		struct fm_local *local = &s->own.local[l];
		__u32 places = local->family == AF_INET ? inet : inet6;

		if (!(local->state & FM_USABLE))
			continue;
		places &= ~local->pairs;
		for (__u32 r = 0; places && r < FM_REMOTES; r++)
			if (places & 1 << r)
				next = pm_sooner(next, fm_open(skops, l, r, now));
	}
	return next;
}

static __always_inline void fm_announce(struct bpf_sock_ops *skops, struct tcpopt_session *s,
					struct fm_local *local)
{
	struct bpf_mptcp_addr addr = { .family = local->family };
	int id;

	if (fm_is(local, &s->own.first_local))
		return; /* the peer is there */
	memcpy(addr.addr, local->addr, sizeof(local->addr));
	id = bpf_mptcp_addr_signal(skops, &addr, sizeof(addr));
	if (id < 0) {
		PM_COUNT(refused);
		return;
	}
	PM_COUNT(announced);
	local->id = id;
	local->state |= FM_ANNOUNCED | FM_SEEN;
}

/* Tell the peer what is gone, as long as its subflows are there: the kernel has
 * nothing to say of an address that it neither announced nor uses. Where nothing
 * else is left there is no way to tell, and the address may come back.
 */
__noinline int fm_withdraw(struct bpf_sock_ops *skops, __u32 stay, bool announce)
{
	struct tcpopt_session *s = pm_session(skops);

	if (!s)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < s->own.places; l++) {
		struct fm_local *local = &s->own.local[l];
		bool gone = !(local->state & FM_USABLE) && local->state & FM_SEEN && stay;

		if (!gone && (announce || !(local->state & FM_ANNOUNCED)))
			continue;
		if (bpf_mptcp_addr_withdraw(skops, local->id))
			PM_COUNT(refused);
		else
			PM_COUNT(withdrawn);
		local->state &= ~(FM_SEEN | FM_ANNOUNCED);
	}
	return 0;
}

/* Announce what came; the places of what is gone are free. */
__noinline int fm_finish(struct bpf_sock_ops *skops, bool announce)
{
	struct tcpopt_session *s = pm_session(skops);

	if (!s)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < s->own.places; l++) {
		struct fm_local *local = &s->own.local[l];

		if (announce && (local->state & (FM_USABLE | FM_ANNOUNCED)) == FM_USABLE &&
		    (local->family == AF_INET || s->inet6))
			fm_announce(skops, s, local);
		if (!(local->state & ~(FM_KNOWN | FM_DOWN)))
			local->state = 0;
	}
	return 0;
}

static __always_inline void fm_wake(struct bpf_sock_ops *skops, const struct fullmesh_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 stay, over, next = 0;
	bool announce;

	if (!s || !s->established)
		return;
	announce = s->server && p->announce;
	fm_sync(skops);
	stay = fm_look(skops);
	fm_withdraw(skops, stay, announce);
	over = fm_close_homeless(skops, stay, p->per_interface);
	if (over && bpf_mptcp_close_subflow(skops, over)) {
		PM_COUNT(refused);
	} else if (over) {
		PM_COUNT(over);
		bpf_mptcp_wake(skops, 0); /* perhaps another one */
	}
	if (!s->server || p->server)
		next = fm_fill(skops);
	fm_finish(skops, announce);
	if (next)
		bpf_mptcp_wake(skops, next);
}

#endif /* TCPOPT_FULLMESH_WAKE_H */
