/* SPDX-License-Identifier: GPL-2.0 */
/* Local addresses, which the loader writes into a program's map `local_addr_map`. */
#ifndef TCPOPT_ADDR_H
#define TCPOPT_ADDR_H

#include <linux/types.h>

#define TCPOPT_ADDRS_MAX 16 /* of a network namespace that a program is told of */

/* tcpopt_addr::flags */
#define TCPOPT_ADDR_BACKUP (1 << 0) /* its interface is in the list `backup` */

/* IPv4 in addr[0], network order. */
struct tcpopt_addr {
	__u32 family; /* AF_INET, AF_INET6 */
	__u32 ifindex;
	__u32 type; /* ARPHRD_* of the interface */
	__u32 flags;
	__be32 addr[4];
};

/* Value of local_addr_map; the key is the cookie of the namespace, __u64. Sorted
 * by interface index, then as the kernel lists them.
 */
struct tcpopt_addrs {
	__u32 nr;
	__u32 left_out; /* that there was no room for */
	struct tcpopt_addr addr[TCPOPT_ADDRS_MAX];
};

#ifdef __cplusplus
static_assert(sizeof(tcpopt_addr) == 32 && sizeof(tcpopt_addrs) == 8 + 16 * 32,
	      "as the BPF side has them");
#else
_Static_assert(sizeof(struct tcpopt_addr) == 32 &&
		       sizeof(struct tcpopt_addrs) == 8 + 16 * 32,
	       "as the C++ side has them");
#endif

#endif /* TCPOPT_ADDR_H */
