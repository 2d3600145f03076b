/* SPDX-License-Identifier: GPL-2.0 */
/* Local addresses, which the loader writes into a map of the program, and the lists
 * by which a user chooses among them. tcpopt_addr.bpf.h declares the maps.
 */
#ifndef TCPOPT_ADDR_H
#define TCPOPT_ADDR_H

#include <linux/types.h>

#include "tcpopt_param.h"

#define TCPOPT_ADDRS_MAX 16 /* of a network namespace that a program is told of */

/* tcpopt_addr::flags */
#define TCPOPT_ADDR_BACKUP (1 << 0) /* its interface is in the list `backup` */
#define TCPOPT_ADDR_DEPRECATED (1 << 1) /* not for what is new; not if it is in `include` */

/* IPv4 in addr[0], network order. */
struct tcpopt_addr {
	__u32 family; /* AF_INET, AF_INET6 */
	__u32 ifindex;
	__u32 type; /* ARPHRD_* of the interface */
	__u32 flags;
	__be32 addr[4];
};

/* Value of local_addr_map; the key is the cookie of the namespace, __u64. Sorted
 * by interface index, then as the kernel lists them. Of interfaces that are up and
 * have a carrier. If there is not room for all, those that were there stay, and each
 * interface and family gets its share of the rest.
 */
struct tcpopt_addrs {
	__u32 nr;
	__u32 left_out; /* that there was no room for */
	struct tcpopt_addr addr[TCPOPT_ADDRS_MAX];
};

/* Key of a list of type "interfaces": a name, or a pattern with shell wildcards, and
 * zeros behind it.
 */
#define TCPOPT_IFNAME_LEN 16 /* IFNAMSIZ */
struct tcpopt_ifname {
	char pattern[TCPOPT_IFNAME_LEN];
};

/* Key of a list of type "address-kinds", __u32. Addresses of these kinds are left
 * out unless they are listed; deprecated ones are marked.
 */
#define TCPOPT_ADDR_KIND_TENTATIVE 1 /* not known to be unique yet (RFC 4862) */
#define TCPOPT_ADDR_KIND_DEPRECATED 2 /* not to be used for what is new (RFC 4862) */
#define TCPOPT_ADDR_KIND_LINK_LOCAL 3 /* fe80::/10, 169.254.0.0/16 */
#define TCPOPT_ADDR_KIND_LOOPBACK 4 /* ::1, 127.0.0.0/8, all of a loopback interface */

/* Behind the name of a map, a HASH of __u64 to struct tcpopt_addrs: the loader fills
 * it before the program is attached, keeps it true, and runs the program's iter/tcp
 * in a namespace after its entry has changed. The lists with the keys `interfaces`
 * (only these; empty: all), `except`, `backup` and `include` choose, if there are any.
 */
#define TCPOPT_LOCAL_ADDRS TCPOPT_TAG("role=local-addrs")

/* Behind the name of a RINGBUF map: the program writes the cookie, a __u64, of a
 * namespace that it misses in that map, and the loader looks for it.
 */
#define TCPOPT_WANT_NETNS TCPOPT_TAG("role=want-netns")

#ifdef __cplusplus
static_assert(sizeof(tcpopt_addr) == 32 && sizeof(tcpopt_addrs) == 8 + 16 * 32 &&
		      sizeof(tcpopt_ifname) == 16,
	      "as the BPF side has them");
#else
_Static_assert(sizeof(struct tcpopt_addr) == 32 &&
		       sizeof(struct tcpopt_addrs) == 8 + 16 * 32 &&
		       sizeof(struct tcpopt_ifname) == 16,
	       "as the C++ side has them");
#endif

#endif /* TCPOPT_ADDR_H */
