/* SPDX-License-Identifier: GPL-2.0 */
/* Subflows, addresses and waits, as path managers look at them.
 *
 * Loops are in functions that are not static: the verifier looks at those once,
 * and not for each way that leads to them. Those that return an index return 64
 * bits, so that what is checked is what is used.
 */
#ifndef TCPOPT_PM_SUBFLOW_H
#define TCPOPT_PM_SUBFLOW_H

#include "tcpopt_maps.h"
#include "tcpopt_mptcp_sk.h"

#define PM_NS_PER_MS 1000000ULL

enum { PM_ESTABLISHED = 1, PM_SYN_SENT = 2, PM_SYN_RECV = 3 }; /* subflow::state */
enum { PM_EAGAIN = 11, PM_EBUSY = 16, PM_ENOSPC = 28, PM_EAFNOSUPPORT = 97, PM_ENETUNREACH = 101 };

/* Atomic, because WAKE can be interrupted by a callback in softirq. */
#define PM_COUNT_N(member, n)                                                     \
	do {                                                                      \
		__u32 zero_ = 0;                                                  \
		__typeof__(stats.value) s_ = bpf_map_lookup_elem(&stats, &zero_); \
		if (s_)                                                           \
			__sync_fetch_and_add(&s_->member, n);                     \
	} while (0)
#define PM_COUNT(member) PM_COUNT_N(member, 1)

/* A subflow that counts: it carries data, or may come to. */
static __always_inline bool pm_live(const struct bpf_mptcp_subflow *sf)
{
	return sf->state == PM_ESTABLISHED || sf->state == PM_SYN_SENT ||
	       sf->state == PM_SYN_RECV;
}

/* Opened by this end after the first one, so its to close. */
static __always_inline bool pm_ours(const struct bpf_mptcp_subflow *sf)
{
	return (sf->flags & (BPF_MPTCP_SUBFLOW_ACTIVE | BPF_MPTCP_SUBFLOW_INITIAL)) ==
	       BPF_MPTCP_SUBFLOW_ACTIVE;
}

static __always_inline bool pm_load(struct bpf_sock_ops *skops, __u32 n,
				    struct bpf_mptcp_subflow *sf)
{
	return !bpf_mptcp_load_subflow(skops, n, sf, sizeof(*sf));
}

/* An IPv4 address that IPv6 maps is an IPv4 one. */
static __always_inline void pm_unmap(struct bpf_mptcp_addr *addr)
{
	if (addr->family != AF_INET6 || addr->addr[0] || addr->addr[1] ||
	    addr->addr[2] != bpf_htonl(0xffff))
		return;
	addr->family = AF_INET;
	addr->addr[0] = addr->addr[3];
	addr->addr[2] = 0;
	addr->addr[3] = 0;
}

static __always_inline bool pm_same_addr(const __be32 *a, const __be32 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/* Exponential back-off. Times are ms of a clock of 32 bits, which fits where
 * there are many and is good for waits of up to 24 days.
 */
struct pm_backoff {
	__u32 delay; /* ms, the latest one; 0: none so far */
	__u32 until; /* no sooner */
};

static __always_inline __u32 pm_now(void)
{
	return bpf_ktime_get_ns() / PM_NS_PER_MS;
}

/* ms that are left of it */
static __always_inline __u32 pm_left(const struct pm_backoff *b, __u32 now)
{
	__s32 left = b->until - now;

	return b->delay && left > 0 ? left : 0;
}

static __always_inline void pm_put_off(struct pm_backoff *b, __u32 now, __u32 min, __u32 max)
{
	__u32 delay = b->delay < min ? min : 2 * b->delay;

	b->delay = delay < max ? delay : max;
	b->until = now + b->delay;
}

/* The sooner of two waits; 0: none. */
static __always_inline __u32 pm_sooner(__u32 a, __u32 b)
{
	return a && (!b || a < b) ? a : b;
}

/* In the iterator, at its end: WAKE, or timer(), for all sessions. Programs that were
 * told nothing new look around for nothing.
 */
static __always_inline void pm_wake_live(struct bpf_iter__tcp *ctx)
{
	if (!ctx->sk_common)
		bpf_mptcp_wake_all();
}

#endif /* TCPOPT_PM_SUBFLOW_H */
