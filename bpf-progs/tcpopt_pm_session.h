/* SPDX-License-Identifier: GPL-2.0 */
/* What path managers of struct_ops share: how sessions choose them, and what they
 * keep of those.
 *
 * A program says TCPOPT_MAPS(name) and PM_NAME("name"), defines struct tcpopt_own (what
 * it keeps for a session) and PM_KEEPS, and includes this before. Its operations take
 * notes there, compare what is with what its parameters want, and open and close the
 * difference: so a double event does no harm, and changed parameters take the same
 * way, by timer().
 */
#ifndef TCPOPT_PM_SESSION_H
#define TCPOPT_PM_SESSION_H

#include "tcpopt_pm_ops.h"
#include "tcpopt_pm_subflow.h"

/* The map `sessions`: a struct tcpopt_own for each, as long as there is one. */
#define PM_KEEPS                                                        \
	struct {                                                        \
		__uint(type, BPF_MAP_TYPE_SK_STORAGE);                  \
		__uint(map_flags, BPF_F_NO_PREALLOC);                   \
		__type(key, int);                                       \
		__type(value, struct tcpopt_own);                       \
	} sessions SEC(".maps")

/* All 0 at first. NULL: no memory. */
#define pm_own(msk)                                                            \
	((struct tcpopt_own *)bpf_sk_storage_get(&sessions, (void *)(msk), NULL, \
						 BPF_SK_STORAGE_GET_F_CREATE))

/* In the program of type sock_ops, for NEW_SESSION. False: it is not ours. */
#define PM_CHOOSE(skops)                        \
	({                                      \
		int err_ = pm_choose(skops);    \
		if (!err_)                      \
			PM_COUNT(sessions);     \
		else if (err_ == -PM_EBUSY)     \
			PM_COUNT(busy);         \
		else                            \
			PM_COUNT(no_memory);    \
		!err_;                          \
	})

/* At file scope: the iterator of a program. */
#define PM_LIVE(name)                                           \
	SEC("iter/tcp")                                         \
	int name##_live(struct bpf_iter__tcp *ctx)              \
	{                                                       \
		pm_wake_live(ctx);                              \
		return 0;                                       \
	}

/* The program of type sock_ops of a path manager that needs no more of it, and the
 * iterator.
 */
#define PM_PROGRAM(name, help)                                  \
	SEC("sockops")                                          \
	TCPOPT_HELP(help)                                       \
	TCPOPT_REQUIRES("mptcp-path-manager")                   \
	int name(struct bpf_sock_ops *skops)                    \
	{                                                       \
		if (skops->op == BPF_MPTCP_NEW_SESSION)         \
			PM_CHOOSE(skops);                       \
		return 1;                                       \
	}                                                       \
	PM_LIVE(name)

static __always_inline bool pm_is_server(struct mptcp_sock *msk)
{
	return msk->pm.server_side;
}

/* The peer takes no join at its first address. */
static __always_inline bool pm_denied(struct mptcp_sock *msk)
{
	return msk->pm.remote_deny_join_id0;
}

/* The session can have subflows of IPv6. */
static __always_inline bool pm_inet6(struct mptcp_sock *msk)
{
	return msk->sk.icsk_inet.sk.__sk_common.skc_family == AF_INET6;
}

/* Cookie of its network namespace. */
static __always_inline __u64 pm_netns(struct mptcp_sock *msk)
{
	return msk->sk.icsk_inet.sk.__sk_common.skc_net.net->net_cookie;
}

/* The two addresses that the session began with. */
static __always_inline void pm_first(struct mptcp_sock *msk, struct bpf_mptcp_addr *local,
				     struct bpf_mptcp_addr *remote)
{
	struct sock_common *sk = &msk->sk.icsk_inet.sk.__sk_common;

	local->family = sk->skc_family;
	remote->family = sk->skc_family;
	remote->port = sk->skc_dport;
	if (sk->skc_family == AF_INET) {
		local->addr[0] = sk->skc_rcv_saddr;
		remote->addr[0] = sk->skc_daddr;
		return;
	}
	for (int i = 0; i < 4; i++) {
		local->addr[i] = sk->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		remote->addr[i] = sk->skc_v6_daddr.in6_u.u6_addr32[i];
	}
	pm_unmap(local);
	pm_unmap(remote);
}

/* The kernel's own is read member by member; IPv4 addresses as such. */
static __always_inline void pm_copy_addr(struct bpf_mptcp_addr *to,
					 const volatile struct bpf_mptcp_addr *from)
{
	to->family = from->family;
	to->port = from->port;
	to->id = from->id;
	for (int i = 0; i < 4; i++)
		to->addr[i] = from->addr[i];
	pm_unmap(to);
}

static __always_inline void pm_copy(struct bpf_mptcp_subflow *to,
				    const volatile struct bpf_mptcp_subflow *from)
{
	to->id = from->id;
	to->flags = from->flags;
	to->ifindex = from->ifindex;
	to->state = from->state;
	pm_copy_addr(&to->local, &from->local);
	pm_copy_addr(&to->remote, &from->remote);
}

#endif /* TCPOPT_PM_SESSION_H */
