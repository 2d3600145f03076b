/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that the peer announced, for each session. */
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

struct pm_raddrs {
	struct bpf_spin_lock lock; /* callbacks of several subflows change it */
	__u32 unused;
	struct pm_raddr_list list;
};

/* Key: local token. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct pm_raddrs);
} add_addr_map SEC(".maps");

static const char pm_raddrs_blank[sizeof(struct pm_raddrs)];

enum { PM_RADDR_KNOWN = -1, PM_RADDR_NO_ROOM = -2 };

static __always_inline struct pm_raddrs *pm_raddrs(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);

	return bpf_map_lookup_elem(&add_addr_map, &token);
}

/* NULL: nothing was announced. */
static __always_inline struct pm_raddr_list *pm_raddr_list(struct bpf_sock_ops *skops)
{
	struct pm_raddrs *raddrs = pm_raddrs(skops);

	return raddrs ? &raddrs->list : NULL;
}

/* In ADD_RADDR. Returns the place of a new address, or PM_RADDR_*. An id that is
 * in use keeps its address until it is removed (RFC 8684, section 3.4.1).
 */
static __always_inline int pm_raddr_add(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);
	struct bpf_mptcp_subflow sf = {};
	int place = PM_RADDR_NO_ROOM;
	struct pm_raddrs *raddrs;

	if (!pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf))
		return PM_RADDR_KNOWN;
	pm_unmap(&sf.remote);
	bpf_map_update_elem(&add_addr_map, &token, pm_raddrs_blank, BPF_NOEXIST);
	raddrs = bpf_map_lookup_elem(&add_addr_map, &token);
	if (!raddrs)
		return PM_RADDR_NO_ROOM;
	bpf_spin_lock(&raddrs->lock);
	for (int i = 0; i < PM_RADDRS_MAX; i++) {
		if (raddrs->list.addr[i].family && raddrs->list.addr[i].id == sf.remote.id) {
			place = PM_RADDR_KNOWN;
			break;
		}
		if (!raddrs->list.addr[i].family && place == PM_RADDR_NO_ROOM)
			place = i;
	}
	if (place >= 0 && place < PM_RADDRS_MAX)
		raddrs->list.addr[place] = sf.remote;
	bpf_spin_unlock(&raddrs->lock);
	return place;
}

/* In REM_RADDR. Returns the place that is free now, or PM_RADDR_KNOWN: none. */
static __always_inline int pm_raddr_remove(struct bpf_sock_ops *skops)
{
	struct pm_raddrs *raddrs = pm_raddrs(skops);
	__u32 id = skops->args[1];
	int place = PM_RADDR_KNOWN;

	if (!raddrs)
		return place;
	bpf_spin_lock(&raddrs->lock);
	for (int i = 0; i < PM_RADDRS_MAX; i++) {
		if (raddrs->list.addr[i].family && raddrs->list.addr[i].id == id) {
			raddrs->list.addr[i].family = 0;
			place = i;
			break;
		}
	}
	bpf_spin_unlock(&raddrs->lock);
	return place;
}

static __always_inline void pm_raddrs_forget(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);

	bpf_map_delete_elem(&add_addr_map, &token);
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
