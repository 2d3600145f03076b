/* SPDX-License-Identifier: GPL-2.0 */
/* What fullmesh keeps for a session: addresses by place, and waits by pair of places. */
#ifndef TCPOPT_FULLMESH_OWN_H
#define TCPOPT_FULLMESH_OWN_H

#include "../tcpopt_addr.h"
#include "../tcpopt_pm_raddr.h"

#define FM_LOCALS TCPOPT_ADDRS_MAX
#define FM_FIRST PM_RADDRS_MAX /* place of the peer's first address, behind the announced */
#define FM_REMOTES (PM_RADDRS_MAX + 1)
#define FM_GONE 8
#define FM_NEVER (~0U) /* pm_backoff::delay: given up */
#define FM_ARPHRD_LOOPBACK 772
#define FM_MS_PER_S 1000

/* fm_local::state */
#define FM_TAKEN (1 << 0) /* the place has an address */
#define FM_LISTED (1 << 1) /* in the loader's list, on an interface that has it */
#define FM_KNOWN (1 << 2) /* was, at some time */
#define FM_LOOPBACK (1 << 3) /* subflows are not bound to its interface */
#define FM_USABLE (1 << 4) /* the upshot */
#define FM_SEEN (1 << 5) /* the peer knows it by `id` */
#define FM_ANNOUNCED (1 << 6) /* because it was told */
#define FM_NAMED (1 << 8) /* in the list, which may be late */
#define FM_OLD (1 << 7) /* for what there is, and nothing new (RFC 4862: deprecated) */

/* When to tell the peer again what it does not echo. */
struct fm_repeat {
	__u32 left; /* times */
	__u32 at; /* the next one, as of pm_now() */
};

/* A local address that the peer was told is gone. */
struct fm_gone {
	__u32 id;
	struct fm_repeat repeat;
};

/* An address may be on several interfaces, and move from one to another: the kernel tells
 * at once, the loader lists them later, and lists them all.
 */
struct fm_local {
	__u32 state; /* 0: free */
	__u32 family;
	__u32 ifindex; /* that subflows are to use; 0: as routed */
	__u32 up, down; /* interfaces where it came and went last, says the kernel; 0: none */
	__u32 backup; /* subflows of it are to be a backup */
	struct fm_repeat prio; /* of `backup` */
	__u32 routed_until; /* as of pm_now(): its routes may not be there yet; 0: they are */
	__u32 id; /* address id, once there is one */
	__u32 subflows; /* live ones, while adjusting */
	__u32 pairs; /* places of remote addresses that have one, bit by bit; the same */
	__be32 addr[4];
};

struct tcpopt_own {
	struct bpf_mptcp_addr first_local, first_remote; /* of the initial subflow */
	__u32 places; /* of local addresses that were ever taken; none is beyond */
	struct fm_local local[FM_LOCALS];
	struct pm_backoff backoff[FM_LOCALS][FM_REMOTES];
	struct pm_raddr_list announced;
	/* The peer took its first address back, which it cannot announce: one pair at a time
	 * looks whether it is there again.
	 */
	__u32 first_gone;
	__u32 turn; /* place of the local address that looked last */
	__u32 synced; /* there was a table of local addresses before */
	__u32 has_list; /* the loader's, while adjusting */
	__u32 over; /* the youngest subflow on an interface that has too many, while adjusting */
	struct fm_gone gone[FM_GONE];
	__u32 gone_next; /* place, modulo FM_GONE, of the next one; the oldest makes room */
};

static __always_inline bool fm_is(const struct fm_local *local,
				  const struct bpf_mptcp_addr *addr)
{
	return local->state && local->family == addr->family &&
	       pm_same_addr(local->addr, addr->addr);
}

/* FM_LOCALS: none */
__noinline __u64 fm_find_local(const struct tcpopt_own *own, const struct bpf_mptcp_addr *addr)
{
	if (!own || !addr)
		return FM_LOCALS;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++)
		if (fm_is(&own->local[l], addr))
			return l;
	return FM_LOCALS;
}

/* A place for the address, its old one if it has one; FM_LOCALS: no room. */
__noinline __u64 fm_place(struct tcpopt_own *own, const struct bpf_mptcp_addr *addr)
{
	__u64 l = fm_find_local(own, addr);
	struct fm_local *local;

	if (!own || !addr)
		return FM_LOCALS;
	for (__u32 i = 0; l >= FM_LOCALS && i < FM_LOCALS; i++)
		if (!own->local[i].state)
			l = i;
	if (l >= FM_LOCALS)
		return FM_LOCALS;
	local = &own->local[l];
	if (l >= own->places)
		own->places = l + 1;
	if (!local->state) {
		memset(local, 0, sizeof(*local));
		local->state = FM_TAKEN;
		local->family = addr->family;
		memcpy(local->addr, addr->addr, sizeof(local->addr));
	}
	return l;
}

/* The interface that a new subflow of it is bound to; 0: none. */
static __always_inline __u32 fm_bind(const struct fm_local *local)
{
	return local->state & FM_LOOPBACK ? 0 : local->ifindex;
}

/* Bound to an interface that has not got the address any more. */
static __always_inline bool fm_elsewhere(const struct fm_local *local,
					 const struct bpf_mptcp_subflow *sf)
{
	return sf->ifindex && fm_bind(local) && sf->ifindex != fm_bind(local);
}

/* The address whose turn it is; FM_LOCALS: none. */
__noinline __u64 fm_scout(const struct tcpopt_own *own)
{
	__u64 lowest = FM_LOCALS;

	if (!own)
		return FM_LOCALS;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		if ((own->local[l].state & (FM_USABLE | FM_OLD)) != FM_USABLE ||
		    own->local[l].family != own->first_remote.family)
			continue;
		if (l > own->turn)
			return l;
		if (lowest == FM_LOCALS)
			lowest = l;
	}
	return lowest;
}

static __always_inline bool fm_is_first(const struct tcpopt_own *own,
					const struct bpf_mptcp_addr *remote)
{
	const struct bpf_mptcp_addr *first = &own->first_remote;

	return first->family == remote->family && pm_same_addr(first->addr, remote->addr) &&
	       (!remote->port || first->port == remote->port);
}

/* FM_REMOTES: none. The first address counts as announced if the peer takes no
 * join there but has announced it, too.
 */
static __always_inline __u64 fm_find_remote(const struct tcpopt_own *own, bool denied,
					    const struct bpf_mptcp_addr *remote)
{
	__u64 r;

	if (!denied && fm_is_first(own, remote))
		return FM_FIRST;
	r = pm_raddr_find(&own->announced, remote);
	if (r < PM_RADDRS_MAX)
		return r;
	return fm_is_first(own, remote) ? FM_FIRST : FM_REMOTES;
}

/* Live subflows on an interface. */
__noinline __u32 fm_on_interface(const struct tcpopt_own *own, __u32 ifindex)
{
	__u32 subflows = 0;

	if (!own)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++)
		if (own->local[l].state && own->local[l].ifindex == ifindex)
			subflows += own->local[l].subflows;
	return subflows;
}

#endif /* TCPOPT_FULLMESH_OWN_H */
