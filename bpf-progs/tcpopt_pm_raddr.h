/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that the peer announced, in what a path manager keeps of a session, and
 * which of them are followed: a peer must not be able to have this host knock at doors
 * that are closed to it. Include it after TCPOPT_MAPS(name); `stats` counts those that
 * are `not_followed`.
 */
#ifndef TCPOPT_PM_RADDR_H
#define TCPOPT_PM_RADDR_H

#include "tcpopt_peer.h"
#include "tcpopt_pm_session.h"

#define PM_RADDRS_MAX 8 /* of a session; further ones are left out */
/* New ones that are followed: so many at once, and then one each so many ms. An id may be
 * given another address with each segment, and each is worth a SYN.
 */
#define PM_RADDRS_BURST 16
#define PM_RADDRS_EVERY 10000

/* Port in network order, 0: that of the session. A place keeps its address
 * until the peer takes that back, so its index is good for naming it.
 */
struct pm_raddr_list {
	struct bpf_mptcp_addr addr[PM_RADDRS_MAX]; /* family 0: free */
	struct tcpopt_budget recent; /* that were followed */
};

enum {
	PM_RADDR_KNOWN = -1,
	PM_RADDR_NO_ROOM = -2,
	PM_RADDR_TOO_MANY = -3, /* or not to be followed at all */
};

enum pm_scope {
	PM_SCOPE_NOWHERE, /* no other host, or any, or on one link only */
	PM_SCOPE_PRIVATE, /* RFC 1918, 4193 and 6598 */
	PM_SCOPE_PUBLIC,
};

__noinline int pm_scope(const struct bpf_mptcp_addr *addr)
{
	__u32 first;

	if (!addr)
		return PM_SCOPE_NOWHERE;
	first = bpf_ntohl(addr->addr[0]);
	if (addr->family == AF_INET) {
		if (!(first >> 24) || first >> 24 == 127 || first >> 28 >= 0xe ||
		    first >> 16 == 0xa9fe)
			return PM_SCOPE_NOWHERE;
		if (first >> 24 == 10 || first >> 20 == 0xac1 || first >> 16 == 0xc0a8 ||
		    first >> 22 == 0x6440 >> 6)
			return PM_SCOPE_PRIVATE;
		return PM_SCOPE_PUBLIC;
	}
	if (first >> 24 == 0xff || first >> 22 == 0xfe80 >> 6 ||
	    (!addr->addr[0] && !addr->addr[1] && !addr->addr[2]))
		return PM_SCOPE_NOWHERE;
	return first >> 25 == 0xfc >> 1 ? PM_SCOPE_PRIVATE : PM_SCOPE_PUBLIC;
}

/* A private one if the peer itself is at such, or if the user says so. */
static __always_inline bool pm_follows(struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr,
				       bool private_too)
{
	struct bpf_mptcp_addr local = {}, remote = {};
	int scope = pm_scope(addr);

	if (scope != PM_SCOPE_PRIVATE || private_too)
		return scope != PM_SCOPE_NOWHERE;
	pm_first(msk, &local, &remote);
	return pm_scope(&remote) == PM_SCOPE_PRIVATE;
}

static __always_inline int pm_raddr_add(struct pm_raddr_list *list,
					const struct bpf_mptcp_addr *addr)
{
	int place = PM_RADDR_NO_ROOM;

	for (int i = 0; i < PM_RADDRS_MAX; i++) {
		const struct bpf_mptcp_addr *at = &list->addr[i];

		if (at->family && at->id == addr->id) {
			if (at->family == addr->family && at->port == addr->port &&
			    pm_same_addr(at->addr, addr->addr))
				return PM_RADDR_KNOWN;
			place = i;
			break;
		}
		if (!at->family && place == PM_RADDR_NO_ROOM)
			place = i;
	}
	if (place < 0 || place >= PM_RADDRS_MAX)
		return place;
	if (!tcpopt_take(&list->recent, PM_RADDRS_BURST, PM_RADDRS_EVERY))
		return PM_RADDR_TOO_MANY;
	list->addr[place] = *addr;
	return place;
}

/* In add_addr_received(). Returns the place of a new address, or of another one of the
 * same id, or PM_RADDR_*.
 */
static __always_inline int pm_raddr_heard(struct mptcp_sock *msk, struct pm_raddr_list *list,
					  const struct bpf_mptcp_addr *addr, bool private_too)
{
	struct bpf_mptcp_addr copy = {};
	int place = PM_RADDR_TOO_MANY;

	pm_copy_addr(&copy, addr);
	if (pm_follows(msk, &copy, private_too))
		place = pm_raddr_add(list, &copy);
	if (place == PM_RADDR_TOO_MANY)
		PM_COUNT(not_followed);
	return place;
}

/* In rm_addr_received(). Returns the place that is free now, or PM_RADDR_KNOWN: none. */
static __always_inline int pm_raddr_remove(struct pm_raddr_list *list, __u32 id)
{
	for (int i = 0; i < PM_RADDRS_MAX; i++) {
		if (list->addr[i].family && list->addr[i].id == id) {
			list->addr[i].family = 0;
			return i;
		}
	}
	return PM_RADDR_KNOWN;
}

/* At file scope: the operation rm_addr_received of a path manager that needs no more of
 * it; what it keeps has a list `announced`.
 */
#define PM_FORGETS_RADDRS                                                          \
	SEC("struct_ops/rm_addr_received")                                         \
	void BPF_PROG(rm_addr_received, struct mptcp_sock *msk, __u32 id)          \
	{                                                                          \
		struct tcpopt_own *own = pm_own(msk);                              \
                                                                                   \
		if (own)                                                           \
			pm_raddr_remove(&own->announced, id);                      \
	}

/* The first of a family, into @remote. False: none. */
static __always_inline bool pm_raddr_any(const struct pm_raddr_list *list, __u32 family,
					 struct bpf_mptcp_addr *remote)
{
	for (int i = 0; i < PM_RADDRS_MAX; i++) {
		if (list->addr[i].family && list->addr[i].family == family) {
			*remote = list->addr[i];
			return true;
		}
	}
	return false;
}

/* The place of the address that @remote is at, of an announced one without a
 * port that of any. PM_RADDRS_MAX: it was not announced.
 */
__noinline __u64 pm_raddr_find(const struct pm_raddr_list *list,
			       const struct bpf_mptcp_addr *remote)
{
	if (!list || !remote)
		return PM_RADDRS_MAX;
	for (__u32 i = 0; i < PM_RADDRS_MAX; i++)
		if (list->addr[i].family == remote->family &&
		    (!list->addr[i].port || list->addr[i].port == remote->port) &&
		    pm_same_addr(list->addr[i].addr, remote->addr))
			return i;
	return PM_RADDRS_MAX;
}

#endif /* TCPOPT_PM_RADDR_H */
