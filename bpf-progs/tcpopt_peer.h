/* SPDX-License-Identifier: GPL-2.0 */
/* What a peer may cause, the same in all programs that hear requests: which peers are
 * heard, and how often in a connection. What of a request is granted is the program's own
 * list or range. Include it where maps may be declared.
 */
#ifndef TCPOPT_PEER_H
#define TCPOPT_PEER_H

#include <stdbool.h>
#include "tcpopt_maps.h"

#define TCPOPT_AF_INET6 10
#define TCPOPT_NS_PER_MS 1000000ULL
/* Requests that are heard: so many at once, and then one each so many ms. Each may restart
 * something, as another congestion control does.
 */
#define TCPOPT_REQUESTS_BURST 16
#define TCPOPT_REQUESTS_EVERY 1000

/* The list that TCPOPT_HEARS() looks at. */
#define TCPOPT_PEERS                                                                    \
	TCPOPT_PREFIXES(peers, TCPOPT_MAP_PARAM("prefixes", "peers that are heard, by " \
							    "the address they ask from") \
			TCPOPT_MAP_DEFAULT("0.0.0.0/0,::/0"))

/* Is the peer of this connection within the list? */
static __always_inline bool tcpopt_is_within(struct bpf_sock_ops *skops, void *prefixes)
{
	struct tcpopt_prefix peer = { .bits = 128 };
	__u32 word[4] = { 0, 0, bpf_htonl(0xffff), skops->remote_ip4 };

	/* Or clang chooses between the fields' addresses, which is refused. */
	asm volatile("" : "+r"(word[3]));
	if (skops->family == TCPOPT_AF_INET6) {
		word[0] = skops->remote_ip6[0];
		word[1] = skops->remote_ip6[1];
		word[2] = skops->remote_ip6[2];
		word[3] = skops->remote_ip6[3];
		asm volatile("" : "+r"(word[3]));
	}
	memcpy(peer.addr, word, sizeof(peer.addr));
	return bpf_map_lookup_elem(prefixes, &peer);
}

/* What was used lately of an allowance that fills up with time. */
struct tcpopt_budget {
	__u32 used; /* less one each so many ms */
	__u32 since; /* time of the latest such step, ms */
};

/* May there be one more, of @burst at once and one each @every ms? */
static __always_inline bool tcpopt_take(struct tcpopt_budget *budget, __u32 burst, __u32 every)
{
	__u32 now = bpf_ktime_get_ns() / TCPOPT_NS_PER_MS;
	__u32 steps = (now - budget->since) / every;

	budget->used = budget->used > steps ? budget->used - steps : 0;
	budget->since = budget->used ? budget->since + steps * every : now;
	if (budget->used >= burst)
		return false;
	budget->used++;
	return true;
}

/* Is a request heard that would change something? */
#define TCPOPT_HEARS(skops, budget)          \
	(tcpopt_is_within(skops, &peers) && \
	 tcpopt_take(budget, TCPOPT_REQUESTS_BURST, TCPOPT_REQUESTS_EVERY))

#endif /* TCPOPT_PEER_H */
