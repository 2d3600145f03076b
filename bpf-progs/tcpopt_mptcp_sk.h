/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel knows of an MPTCP session, by the papers' names.
 *
 * For callbacks that have a subflow, and for the iterator iter/tcp; elsewhere,
 * and for a connection that is not MPTCP, all of it is 0. The tokens are known
 * in every callback of a session.
 */
#ifndef TCPOPT_MPTCP_SK_H
#define TCPOPT_MPTCP_SK_H

#include "tcpopt.bpf.h"
#include "tcpopt_mptcp.h"
#include <stdbool.h>

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

/* mptcp_flags() */
#define MPTCP_FLAGS_SERVER (1 << 0) /* this end accepted the session */
#define MPTCP_FLAGS_ESTABLISHED (1 << 1) /* fully: the peer has shown that it knows the keys */
#define MPTCP_FLAGS_FALLBACK (1 << 2) /* goes on as plain TCP */
#define MPTCP_FLAGS_CSUM (1 << 3) /* data is sent with DSS checksums */
#define MPTCP_FLAGS_DENY_JOIN_ID0 (1 << 4) /* the peer takes no join at its first address */
#define MPTCP_FLAGS_INET6 (1 << 5) /* the application's socket is of IPv6 */

/* Members that are read, as far as they are needed; CO-RE finds them. */
struct net {
	__u64 net_cookie;
} __attribute__((preserve_access_index));

struct in6_addr___kernel {
	union {
		__be32 u6_addr32[4];
	} in6_u;
} __attribute__((preserve_access_index));

struct sock_common {
	unsigned short skc_family;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	struct in6_addr___kernel skc_v6_daddr;
	struct in6_addr___kernel skc_v6_rcv_saddr;
	struct {
		struct net *net;
	} skc_net;
} __attribute__((preserve_access_index));

struct mptcp_pm_data {
	__u8 server_side;
	__u8 remote_deny_join_id0;
} __attribute__((preserve_access_index));

struct sock___mptcp {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct inet_sock___mptcp {
	struct sock___mptcp sk;
} __attribute__((preserve_access_index));

struct inet_connection_sock___mptcp {
	struct inet_sock___mptcp icsk_inet;
} __attribute__((preserve_access_index));

struct mptcp_sock {
	struct inet_connection_sock___mptcp sk;
	__u64 local_key;
	__u64 remote_key;
	__u32 token;
	unsigned long flags;
	__u8 fully_established;
	__u8 csum_enabled;
	__u64 bytes_received;
	struct mptcp_pm_data pm;
} __attribute__((preserve_access_index));

#define MPTCP_FALLBACK_DONE 2 /* bit of mptcp_sock::flags */

static __always_inline struct mptcp_sock *mptcp_sock_of(struct bpf_sock_ops *skops)
{
	struct bpf_sock *sk = skops->sk;

	return sk ? bpf_skc_to_mptcp_sock(sk) : NULL;
}

static __always_inline __u32 mptcp_sock_flags(struct mptcp_sock *msk)
{
	__u32 flags = 0;

	if (msk->pm.server_side)
		flags |= MPTCP_FLAGS_SERVER;
	if (msk->fully_established)
		flags |= MPTCP_FLAGS_ESTABLISHED;
	if (msk->flags & 1 << MPTCP_FALLBACK_DONE)
		flags |= MPTCP_FLAGS_FALLBACK;
	if (msk->csum_enabled)
		flags |= MPTCP_FLAGS_CSUM;
	if (msk->pm.remote_deny_join_id0)
		flags |= MPTCP_FLAGS_DENY_JOIN_ID0;
	if (msk->sk.icsk_inet.sk.__sk_common.skc_family == AF_INET6)
		flags |= MPTCP_FLAGS_INET6;
	return flags;
}

static __always_inline __u32 mptcp_flags(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);

	return msk ? mptcp_sock_flags(msk) : 0;
}

static __always_inline __u64 mptcp_loc_key(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);

	return msk ? msk->local_key : 0;
}

static __always_inline __u64 mptcp_rem_key(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);

	return msk ? msk->remote_key : 0;
}

/* Names the session on this host. */
static __always_inline __u32 mptcp_loc_token(struct bpf_sock_ops *skops)
{
	return bpf_mptcp_loc_token(skops);
}

static __always_inline __u32 mptcp_rem_token(struct bpf_sock_ops *skops)
{
	return bpf_mptcp_rem_token(skops);
}

#endif /* TCPOPT_MPTCP_SK_H */
