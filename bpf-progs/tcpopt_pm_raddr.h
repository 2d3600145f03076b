/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that the peer announced, in what a path manager keeps of a session. */
#ifndef TCPOPT_PM_RADDR_H
#define TCPOPT_PM_RADDR_H

#include "tcpopt_pm_subflow.h"

#define PM_RADDRS_MAX 8 /* of a session; further ones are left out */

/* Port in network order, 0: that of the session. A place keeps its address
 * until the peer takes that back, so its index is good for naming it.
 */
struct pm_raddr_list {
	struct bpf_mptcp_addr addr[PM_RADDRS_MAX]; /* family 0: free */
};

enum { PM_RADDR_KNOWN = -1, PM_RADDR_NO_ROOM = -2 };

/* In add_addr_received(). Returns the place of a new address, or of another one of the
 * same id, or PM_RADDR_*.
 */
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
	if (place >= 0 && place < PM_RADDRS_MAX)
		list->addr[place] = *addr;
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
