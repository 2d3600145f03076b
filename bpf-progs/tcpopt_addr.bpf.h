/* SPDX-License-Identifier: GPL-2.0 */
/* The local addresses of a session's network namespace, as a BPF program has them.
 *
 * Include it after tcpopt.bpf.h. At file scope:
 *
 *	TCPOPT_LOCAL_ADDR_MAPS;      the addresses
 *	TCPOPT_LOCAL_ADDR_LISTS;     interfaces=, except=, backup=, include=, prefix=, noprefix=
 *
 * and in the program tcpopt_local_addrs(skops).
 */
#ifndef TCPOPT_ADDR_BPF_H
#define TCPOPT_ADDR_BPF_H

#include "tcpopt_addr.h"
#include "tcpopt_maps.h"

#define TCPOPT_NETNS_MAX 256 /* network namespaces of one attachment */
#define TCPOPT_LIST_MAX 64

/* Lists of a program; also for lists of its own, which the loader does not look at. */
#define TCPOPT_INTERFACES(name, help)                         \
	struct {                                              \
		__uint(type, BPF_MAP_TYPE_HASH);              \
		__uint(max_entries, TCPOPT_LIST_MAX);         \
		__type(key, struct tcpopt_ifname);            \
		__type(value, __u32);                         \
	} name SEC(".maps") TCPOPT_MAP_PARAM("interfaces", help)

#define TCPOPT_ADDRESS_KINDS(name, help)                      \
	struct {                                              \
		__uint(type, BPF_MAP_TYPE_HASH);              \
		__uint(max_entries, TCPOPT_LIST_MAX);         \
		__type(key, __u32);                           \
		__type(value, __u32);                         \
	} name SEC(".maps") TCPOPT_MAP_PARAM("address-kinds", help)

#define TCPOPT_LOCAL_ADDR_LISTS                                                         \
	TCPOPT_INTERFACES(interfaces, "use addresses of these alone; none: of all");    \
	TCPOPT_INTERFACES(except, "use no address of these");                           \
	TCPOPT_INTERFACES(backup, "use addresses of these to back up the others only"); \
	TCPOPT_ADDRESS_KINDS(include, "use addresses of these kinds, too");             \
	TCPOPT_PREFIXES(prefix, TCPOPT_MAP_PARAM("prefixes",                            \
						 "use addresses within these alone; "   \
						 "none: all"));                         \
	TCPOPT_PREFIXES(noprefix,                                                       \
			TCPOPT_MAP_PARAM("prefixes", "use no address within these"))

#define TCPOPT_LOCAL_ADDR_MAPS                            \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_HASH);          \
		__uint(max_entries, TCPOPT_NETNS_MAX);    \
		__type(key, __u64);                       \
		__type(value, struct tcpopt_addrs);       \
	} local_addr_map SEC(".maps") TCPOPT_LOCAL_ADDRS; \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_RINGBUF);       \
		__uint(max_entries, 4096);                \
	} want_netns SEC(".maps") TCPOPT_WANT_NETNS

/* Of the namespace of this socket. NULL: not known yet; the loader is asked, and runs
 * the program's iter/tcp there once it is. A full ring is no loss: the loader is about
 * to look for all that is in it, and the next session asks again.
 */
#define tcpopt_local_addrs(skops)                                                      \
	({                                                                             \
		__u64 cookie_ = bpf_get_netns_cookie(skops);                           \
		struct tcpopt_addrs *addrs_ =                                          \
			bpf_map_lookup_elem(&local_addr_map, &cookie_);                \
		if (!addrs_)                                                           \
			bpf_ringbuf_output(&want_netns, &cookie_, sizeof(cookie_), 0); \
		addrs_;                                                                \
	})

#endif /* TCPOPT_ADDR_BPF_H */
