/* SPDX-License-Identifier: GPL-2.0 */
/* fullmesh: which local addresses there are, and on which interface. */
#ifndef TCPOPT_FULLMESH_LOCAL_H
#define TCPOPT_FULLMESH_LOCAL_H

#define FM_ROUTE_WAIT 3000 /* ms after which no route to a peer is taken to mean a neighbour */

/* One address of the list, on one of its interfaces; the first that still has it counts. */
static __always_inline void fm_take(struct fm_local *local, const struct tcpopt_addr *from)
{
	__u32 ifindex = from->ifindex == local->down ? local->up : from->ifindex;

	local->state |= FM_KNOWN | FM_NAMED;
	if (local->state & FM_LISTED || !ifindex)
		return;
	local->state &= ~(FM_LOOPBACK | FM_OLD);
	local->state |= FM_LISTED | (from->type == FM_ARPHRD_LOOPBACK ? FM_LOOPBACK : 0) |
			(from->flags & TCPOPT_ADDR_DEPRECATED ? FM_OLD : 0);
	local->ifindex = ifindex;
	local->backup = from->flags & TCPOPT_ADDR_BACKUP;
}

/* Take over what is listed now. */
static __always_inline void fm_take_list(struct tcpopt_own *own, const struct tcpopt_addrs *list)
{
	for (__u32 i = 0; i < TCPOPT_ADDRS_MAX; i++) {
		const struct tcpopt_addr *from = &list->addr[i];
		struct bpf_mptcp_addr addr = { .family = from->family };
		__u64 l;

		if (i >= list->nr)
			break;
		memcpy(addr.addr, from->addr, sizeof(from->addr));
		l = fm_place(own, &addr);
		if (l < FM_LOCALS)
			fm_take(&own->local[l], from);
		else
			PM_COUNT(left_out);
	}
}

/* Without a list there is what the kernel told, and the address that the session began
 * with.
 */
static __always_inline void fm_take_told(struct tcpopt_own *own)
{
	struct bpf_mptcp_addr first = own->first_local;

	if (pm_scope(&first) != PM_SCOPE_NOWHERE)
		fm_place(own, &first);
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];

		if (!local->state || (!local->up && (local->down || !fm_is(local, &first))))
			continue;
		local->ifindex = local->up;
		local->state |= FM_LISTED;
	}
}

/* What came back, or is new, has nothing to wait for but its routes. */
static __always_inline void fm_fresh_local(struct tcpopt_own *own, __u32 l)
{
	own->local[l].routed_until = own->synced ? pm_now() + FM_ROUTE_WAIT : 0;
	for (__u32 r = 0; r < FM_REMOTES; r++)
		own->backoff[l][r].delay = 0;
}

/* Bring the table of local addresses up to date. */
__noinline int fm_sync(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	const struct tcpopt_addrs *list;
	__u64 netns = pm_netns(msk);

	if (!own)
		return 0;
	list = bpf_map_lookup_elem(&local_addr_map, &netns);
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++)
		own->local[l].state &= ~(FM_LISTED | FM_NAMED);
	own->has_list = !!list;
	if (list)
		fm_take_list(own, list);
	else
		fm_take_told(own);
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];
		bool usable = local->state & FM_LISTED;

		if (local->state & FM_USABLE && !usable)
			PM_COUNT(local_gone);
		if (usable && !(local->state & FM_USABLE))
			fm_fresh_local(own, l);
		local->state = (local->state & ~FM_USABLE) | (usable ? FM_USABLE : 0);
		local->subflows = 0;
		local->pairs = 0;
	}
	own->synced = 1;
	return 0;
}

#endif /* TCPOPT_FULLMESH_LOCAL_H */
