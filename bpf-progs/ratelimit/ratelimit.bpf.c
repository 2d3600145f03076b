// SPDX-License-Identifier: GPL-2.0
/* Rate limit of subflows: an end tells the other how fast that may send on one of
 * them, chosen by its local interface, as a cellular one that is paid by the byte.
 *
 * The option goes out on the subflow that it is about. Value: kbit/s, 32 bits in
 * network order; all ones lift the limit; 0 asks for the subflow to be closed in
 * good order. That is what draft-hoang-mptcp-sub-rate-limit proposes; its own
 * format of the bytes could not be obtained, so this one is ours.
 *
 * Whoever is asked paces: no qdisc is needed, and none is in the way.
 */
#include "ratelimit.h"
#include "../tcpopt_peer.h"

TCPOPT_MAPS(ratelimit);
TCPOPT_PEERS;

#include "../tcpopt_addr.bpf.h"
#include "../tcpopt_ask.h"

TCPOPT_LOCAL_ADDR_MAPS;
TCPOPT_INTERFACES(interfaces, "choose subflows from these alone; none: from all");
TCPOPT_INTERFACES(except, "choose no subflow from these");
TCPOPT_ADDRESS_KINDS(include, "choose subflows from addresses of these kinds, too");

#ifndef SOL_SOCKET
#define SOL_SOCKET 1
#define SO_MAX_PACING_RATE 47
#endif
#define RL_WIDTH 4
#define RL_BYTES_PER_KBIT 125
#define RL_BYTES_MAX (~0U - 1) /* per second; ~0U is no limit */

/* rl_subflow::drain */
#define RL_DRAIN_ASKED 1
#define RL_DRAINING 2 /* until `due` */

/* All 0: free. `cap` and `drain` are taken over from the peer with the subflow locked;
 * the rest is used with the session locked.
 */
struct rl_subflow {
	__u32 id;
	__u32 chosen; /* its interface is one of those that are limited */
	struct ask ask;
	__u32 cap; /* kbit/s that the peer asked for, 0: any */
	__u32 drain; /* RL_DRAIN* */
	__u32 due; /* as of pm_now() */
};

struct tcpopt_own {
	struct rl_subflow subflow[BPF_MPTCP_SUBFLOWS_MAX]; /* `id` under the session's lock */
	__u32 exid;
	__u32 joined;
	struct tcpopt_budget asked;
	__u32 generation; /* ratelimit_params::_generation of the latest WAKE */
	__u32 changed; /* it was another one in the WAKE before */
	__u32 usable; /* subflows that are not draining, while WAKE runs */
};

#include "../tcpopt_pm.h"

/* BPF_MPTCP_SUBFLOWS_MAX: none */
__noinline __u64 rl_find(const struct tcpopt_own *own, __u32 id)
{
	if (!own || !id)
		return BPF_MPTCP_SUBFLOWS_MAX;
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++)
		if (own->subflow[i].id == id)
			return i;
	return BPF_MPTCP_SUBFLOWS_MAX;
}

/* Its place, or a new one; NULL: there is no room. */
static __always_inline struct rl_subflow *rl_place(struct tcpopt_session *s, __u32 id)
{
	__u64 at = rl_find(&s->own, id);

	if (at < BPF_MPTCP_SUBFLOWS_MAX)
		return &s->own.subflow[at];
	bpf_spin_lock(&s->lock);
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++) {
		if (s->own.subflow[i].id && s->own.subflow[i].id != id)
			continue;
		s->own.subflow[i].id = id;
		bpf_spin_unlock(&s->lock);
		return &s->own.subflow[i];
	}
	bpf_spin_unlock(&s->lock);
	return NULL;
}

/* What the peer asks for */

static __always_inline int rl_pace(struct bpf_sock_ops *skops, __u32 kbit)
{
	__u64 bytes = (__u64)kbit * RL_BYTES_PER_KBIT;
	__u32 rate = ~0U;

	if (kbit)
		rate = bytes < RL_BYTES_MAX ? bytes : RL_BYTES_MAX;
	return bpf_setsockopt(skops, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate));
}

/* 0: any */
static __always_inline void rl_cap(struct bpf_sock_ops *skops, struct rl_subflow *sub, __u32 kbit)
{
	if (sub->cap != kbit) {
		if (rl_pace(skops, kbit)) {
			PM_COUNT(refused);
			return;
		}
		if (kbit)
			PM_COUNT(capped);
		else
			PM_COUNT(lifted);
	}
	sub->cap = kbit;
	/* It thought better of it. */
	if (sub->drain == RL_DRAINING && bpf_mptcp_set_backup(skops, sub->id, 0))
		PM_COUNT(refused);
	sub->drain = 0;
}

static __always_inline bool rl_is_new(const struct rl_subflow *sub, __u32 rate)
{
	if (!rate)
		return !sub->drain;
	return sub->drain || sub->cap != (rate == RL_ANY ? 0 : rate);
}

static __always_inline void rl_asked(struct bpf_sock_ops *skops, struct rl_subflow *sub,
				     struct tcpopt_budget *asked, __u32 rate,
				     const struct ratelimit_params *p)
{
	if (!rl_is_new(sub, rate)) {
		PM_COUNT(repeated);
		return;
	}
	PM_COUNT(received);
	if (!ask_is_heard(skops, asked))
		return;
	if (rate ? rate < p->min : !p->drain) {
		PM_COUNT(not_allowed);
	} else if (rate) {
		rl_cap(skops, sub, rate == RL_ANY ? 0 : rate);
	} else {
		sub->drain = RL_DRAIN_ASKED;
		bpf_mptcp_wake(skops, 0);
	}
}

static __always_inline void rl_received(struct bpf_sock_ops *skops,
					const struct ratelimit_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct rl_subflow *sub;

	if (!s || !pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf))
		return;
	if (ask_width(skops) != RL_WIDTH) {
		PM_COUNT(bad_length);
		return;
	}
	if (ask_bits(skops)) {
		PM_COUNT(bad_value);
		return;
	}
	sub = rl_place(s, sf.id);
	if (sub)
		rl_asked(skops, sub, &s->own.asked, ask_value(skops, RL_WIDTH), p);
	else
		PM_COUNT(no_room);
}

/* Subflows that data can take, but for those that are to end. */
__noinline __u32 rl_usable(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	__u32 usable = 0;
	__u64 at;

	if (!s)
		return 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (sf.state != PM_ESTABLISHED || !(sf.flags & BPF_MPTCP_SUBFLOW_ESTABLISHED))
			continue;
		at = rl_find(&s->own, sf.id);
		if (at >= BPF_MPTCP_SUBFLOWS_MAX || s->own.subflow[at].drain != RL_DRAINING)
			usable++;
	}
	return usable;
}

/* Nothing new takes the subflow, and after a while it is closed: never the last one.
 * Returns ms until there is more to do, 0: nothing.
 */
static __always_inline __u32 rl_drain(struct bpf_sock_ops *skops, struct tcpopt_session *s,
				      struct rl_subflow *sub, const struct ratelimit_params *p)
{
	__s32 left = sub->due - pm_now();

	if (sub->drain == RL_DRAIN_ASKED) {
		if (s->own.usable < 2) {
			PM_COUNT(last);
			sub->drain = 0;
			return 0;
		}
		if (bpf_mptcp_set_backup(skops, sub->id, 1)) {
			PM_COUNT(refused);
			return ASK_AGAIN;
		}
		PM_COUNT(drained);
		s->own.usable--;
		sub->drain = RL_DRAINING;
		sub->due = pm_now() + p->linger;
		return p->linger ?: 1;
	}
	if (left > 0)
		return left;
	if (!s->own.usable) {
		PM_COUNT(last);
		sub->drain = 0;
		if (bpf_mptcp_set_backup(skops, sub->id, 0))
			PM_COUNT(refused);
		return 0;
	}
	if (bpf_mptcp_close_subflow(skops, sub->id)) {
		PM_COUNT(refused);
		return ASK_AGAIN;
	}
	PM_COUNT(closed);
	sub->due = pm_now() + ASK_AGAIN; /* it is gone by then */
	return 0;
}

/* What is asked of the peer */

__noinline bool rl_is_chosen(struct bpf_sock_ops *skops, const struct bpf_mptcp_addr *local)
{
	const struct ratelimit_params *p = ratelimit_params();
	struct tcpopt_session *s = pm_session(skops);
	const struct tcpopt_addrs *list;

	if (!p || !s || !local)
		return false;
	list = bpf_map_lookup_elem(&local_addr_map, &s->netns);
	if (!list)
		return false;
	for (__u32 i = 0; i < TCPOPT_ADDRS_MAX; i++) {
		const struct tcpopt_addr *addr = &list->addr[i];

		if (i >= list->nr)
			break;
		if (addr->family == local->family && (!p->type || addr->type == p->type) &&
		    pm_same_addr(addr->addr, local->addr))
			return true;
	}
	return false;
}

static __always_inline void rl_ask(struct bpf_sock_ops *skops, struct tcpopt_session *s,
				   struct rl_subflow *sub, bool chosen, __u32 rate)
{
	/* An address is also missing while its link is down: not the user's choice. */
	if (chosen || s->own.changed)
		sub->chosen = chosen;
	if (!sub->chosen)
		rate = RL_ANY;
	if (sub->ask.state || rate != RL_ANY)
		ask_tell(skops, &sub->ask, sub->id, s->own.exid, rate, RL_WIDTH);
}

/* One subflow, the @n-th of the session. Returns ms as rl_drain() does, -1 behind the
 * last one.
 */
__noinline int rl_step(struct bpf_sock_ops *skops, __u32 n)
{
	const struct ratelimit_params *p = ratelimit_params();
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	struct rl_subflow *sub;
	bool chosen;

	if (!p || !s || !pm_load(skops, n, &sf))
		return -1;
	if (sf.state != PM_ESTABLISHED || !(sf.flags & BPF_MPTCP_SUBFLOW_ESTABLISHED))
		return 0;
	pm_unmap(&sf.local);
	chosen = rl_is_chosen(skops, &sf.local);
	sub = rl_place(s, sf.id);
	if (!sub)
		return 0;
	rl_ask(skops, s, sub, chosen, p->rate);
	return sub->drain ? rl_drain(skops, s, sub, p) : 0;
}

static __always_inline void rl_wake(struct bpf_sock_ops *skops, const struct ratelimit_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 next = 0;

	if (!s || !s->established)
		return;
	s->own.changed = s->own.generation != p->_generation;
	s->own.generation = p->_generation;
	s->own.usable = rl_usable(skops);
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		int wait = rl_step(skops, n);

		if (wait < 0)
			break;
		next = pm_sooner(next, wait);
	}
	if (next)
		bpf_mptcp_wake(skops, next);
}

/* Events */

static __always_inline void rl_new_session(struct bpf_sock_ops *skops,
					   const struct ratelimit_params *p)
{
	if (ASK_BEGIN(skops, p->exid))
		tcpopt_local_addrs(skops); /* have the loader list them */
}

static __always_inline void rl_done(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u64 at;

	if (!s)
		return;
	at = rl_find(&s->own, skops->args[3]);
	if (at < BPF_MPTCP_SUBFLOWS_MAX)
		ask_done(skops, &s->own.subflow[at].ask);
}

static __always_inline void rl_closed(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u64 at;

	if (!s)
		return;
	at = rl_find(&s->own, skops->args[1]);
	if (at >= BPF_MPTCP_SUBFLOWS_MAX)
		return;
	bpf_spin_lock(&s->lock);
	memset(&s->own.subflow[at], 0, sizeof(s->own.subflow[at]));
	bpf_spin_unlock(&s->lock);
}

SEC("sockops")
TCPOPT_HELP("let a peer limit the rate of what this end sends on a subflow, or close it")
TCPOPT_REQUIRES("mptcp-options")
int ratelimit(struct bpf_sock_ops *skops)
{
	const struct ratelimit_params *p = ratelimit_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		rl_new_session(skops, p);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		ASK_ESTABLISHED(skops);
		break;
	case BPF_MPTCP_PARSE_OPTIONS:
		rl_received(skops, p);
		break;
	case BPF_MPTCP_OPTION_DONE:
		rl_done(skops);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		rl_closed(skops);
		break;
	case BPF_MPTCP_WAKE:
		rl_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int ratelimit_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
