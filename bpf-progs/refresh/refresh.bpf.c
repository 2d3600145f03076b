// SPDX-License-Identifier: GPL-2.0
/* Replaces subflows of this end that ended by RST or by a timeout, between the
 * same two addresses, from another port. What the reason of a RST says is
 * heeded; FIN and what is closed here are as they should be.
 *
 * One attempt at a time for a pair of addresses, each later than the one before
 * as long as nothing lasts, and each of three SYNs at most, so that what a dead
 * path costs is known.
 */
#include "refresh.h"
#include "../tcpopt_maps.h"
#include "../tcpopt_pm_session.h"
#include "../tcpopt_pm_reset.h"

TCPOPT_MAPS(refresh);
PM_NAME("refresh");

#include "../tcpopt_pm_raddr.h"

#define REFRESH_PAIRS_MAX 8 /* of a session; it has one, or a few of the peer's choice */
#define REFRESH_MINUTE 60000 /* ms */
#define REFRESH_AGAIN 100 /* ms, when the kernel says EAGAIN */

/* Times are as of pm_now(). */
struct refresh_pair {
	struct bpf_mptcp_subflow like; /* what to open; does not change. Family 0: free */
	struct pm_backoff backoff;
	__u32 missing; /* subflows that ended and are not replaced */
	__u32 vain; /* attempts without an answer, in a row */
	__u32 tried; /* when the latest attempt began */
	__u32 since; /* when the latest one that worked began to */
	__u32 held; /* the next one was counted as put off */
	__u32 never; /* the peer does not want any */
};

struct tcpopt_own {
	struct refresh_pair pair[REFRESH_PAIRS_MAX];
	struct pm_raddr_list announced; /* for a peer that takes no join at its first one */
};
PM_KEEPS;

#include "../tcpopt_pm_syn.h"

static __always_inline bool refresh_is(const struct refresh_pair *pair,
				       const struct bpf_mptcp_subflow *sf)
{
	return pair->like.local.family && pair->like.local.family == sf->local.family &&
	       pair->like.remote.port == sf->remote.port &&
	       pm_same_addr(pair->like.local.addr, sf->local.addr) &&
	       pm_same_addr(pair->like.remote.addr, sf->remote.addr);
}

/* Index of its pair, REFRESH_PAIRS_MAX: none. */
__noinline __u64 refresh_find(const struct tcpopt_own *own, const struct bpf_mptcp_subflow *sf)
{
	if (!own || !sf)
		return REFRESH_PAIRS_MAX;
	for (__u32 i = 0; i < REFRESH_PAIRS_MAX; i++)
		if (refresh_is(&own->pair[i], sf))
			return i;
	return REFRESH_PAIRS_MAX;
}

/* NULL: no room. */
static __always_inline struct refresh_pair *refresh_add(struct tcpopt_own *own,
							const struct bpf_mptcp_subflow *sf)
{
	for (int i = 0; i < REFRESH_PAIRS_MAX; i++) {
		struct refresh_pair *pair = &own->pair[i];

		if (pair->like.local.family)
			continue;
		pair->like = *sf;
		pair->like.id = 0;
		pair->like.state = 0;
		pair->like.flags = sf->flags & BPF_MPTCP_SUBFLOW_BACKUP;
		pair->like.local.port = 0;
		pair->like.ifindex = 0;
		return pair;
	}
	return NULL;
}

/* One less. What lasted longer than the wait before it was worth it: from the
 * shortest wait again.
 */
static __always_inline void refresh_missing(struct refresh_pair *pair, bool failed,
					    enum pm_again again, __u32 now,
					    const struct refresh_params *p)
{
	pair->missing++;
	if (failed)
		pair->vain++;
	else if (now - pair->since > pair->backoff.delay)
		pair->backoff.delay = 0;
	if (again == PM_AGAIN_SOON)
		pair->backoff.delay = 0;
	if (again == PM_AGAIN_LATE)
		pair->backoff.delay = p->max;
	pm_put_off(&pair->backoff, now, p->min, p->max);
}

/* Note that a subflow is missing. */
static __always_inline void refresh_note(struct mptcp_sock *msk, struct tcpopt_own *own,
					 const struct bpf_mptcp_subflow *sf, bool failed,
					 enum pm_again again, const struct refresh_params *p)
{
	__u64 i = refresh_find(own, sf);
	struct refresh_pair *pair = i < REFRESH_PAIRS_MAX ? &own->pair[i] : refresh_add(own, sf);

	if (!pair) {
		PM_COUNT(no_room);
		return;
	}
	pair->never |= again == PM_AGAIN_NEVER;
	if (pair->never) {
		PM_COUNT(prohibited);
		return;
	}
	refresh_missing(pair, failed, again, pm_now(), p);
	bpf_mptcp_pm_timer(msk, 0);
}

/* Pairs with an attempt under way, bit by bit. */
__noinline __u32 refresh_under_way(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow *sf;
	__u32 pairs = 0;

	if (!own)
		return 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		struct bpf_mptcp_subflow copy = {};

		if (sf->state != PM_SYN_SENT)
			continue;
		pm_copy(&copy, sf);
		pairs |= 1 << refresh_find(own, &copy);
	}
	return pairs;
}

/* ms until @pair may be tried; 0: now. Without an answer `syns` counts, too. */
static __always_inline __u32 refresh_left(struct refresh_pair *pair, __u32 now,
					  const struct refresh_params *p)
{
	__u32 spacing = REFRESH_MINUTE / (p->syns / PM_SYNS ?: 1);
	__u32 left = pm_left(&pair->backoff, now);

	if (!pair->vain || now - pair->tried >= spacing || left >= spacing - (now - pair->tried))
		return left;
	if (!pair->held) {
		pair->held = 1;
		PM_COUNT(held);
	}
	return spacing - (now - pair->tried);
}

/* Returns ms until it may be tried again, 0: it is under way, or there is nowhere to. */
static __always_inline __u32 refresh_open(struct mptcp_sock *msk, struct tcpopt_own *own,
					  struct refresh_pair *pair, __u32 now,
					  const struct refresh_params *p)
{
	struct bpf_mptcp_subflow sf = pair->like;
	int id;

	/* Not there, says the peer; where else, if anywhere? */
	if (pm_denied(msk) && !sf.remote.id &&
	    !pm_raddr_any(&own->announced, sf.local.family, &sf.remote))
		return 0;
	id = bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
	if (id == -PM_EAGAIN)
		return REFRESH_AGAIN;
	pair->tried = now;
	pair->held = 0;
	if (id > 0) {
		PM_COUNT(opened);
		pair->missing--;
		return 0;
	}
	PM_COUNT(refused);
	pm_put_off(&pair->backoff, now, p->min, p->max);
	return refresh_left(pair, now, p);
}

/* A pair with something missing. Returns as refresh_open() does. */
__noinline __u32 refresh_try(struct mptcp_sock *msk __arg_trusted, __u64 i)
{
	const struct refresh_params *p = refresh_params();
	struct tcpopt_own *own = pm_own(msk);
	struct refresh_pair *pair;
	__u32 now = pm_now(), left;

	if (!p || !own || i >= REFRESH_PAIRS_MAX)
		return 0;
	pair = &own->pair[i];
	if (!pair->missing || pair->never)
		return 0;
	left = refresh_left(pair, now, p);
	return left ?: refresh_open(msk, own, pair, now, p);
}

/* One attempt at a time for each pair. */
static __always_inline void refresh_adjust(struct mptcp_sock *msk)
{
	__u32 under_way = refresh_under_way(msk), next = 0;

	for (__u32 i = 0; i < REFRESH_PAIRS_MAX; i++)
		if (!(under_way & 1 << i))
			next = pm_sooner(next, refresh_try(msk, i));
	if (next)
		bpf_mptcp_pm_timer(msk, next);
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	/* From now on something is kept: pm_few_syns() goes by that. */
	if (pm_own(msk))
		refresh_adjust(msk);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	refresh_adjust(msk);
}

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	const struct refresh_params *p = refresh_params();
	struct tcpopt_own *own = pm_own(msk);

	if (!p || !own)
		return;
	if (pm_raddr_heard(msk, &own->announced, addr, p->follow_private) >= 0)
		bpf_mptcp_pm_timer(msk, 0);
}

PM_FORGETS_RADDRS;

/* A replacement works; the next one may be tried. */
SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	struct tcpopt_own *own = pm_own(msk);
	struct bpf_mptcp_subflow copy = {};
	__u64 i;

	if (!own || !(sf->flags & BPF_MPTCP_SUBFLOW_ACTIVE))
		return;
	PM_COUNT(established);
	pm_copy(&copy, sf);
	i = refresh_find(own, &copy);
	if (i >= REFRESH_PAIRS_MAX)
		return;
	own->pair[i].since = pm_now();
	own->pair[i].vain = 0;
	refresh_adjust(msk);
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *gone,
	      __u32 why, __u32 detail)
{
	const struct refresh_params *p = refresh_params();
	struct tcpopt_own *own = pm_own(msk);
	enum pm_again again = PM_AGAIN;
	struct bpf_mptcp_subflow sf = {};

	if (!p || !own)
		return;
	pm_copy(&sf, gone);
	if (why == BPF_MPTCP_SUB_FAILED) {
		PM_COUNT(failed);
	} else if (!(sf.flags & BPF_MPTCP_SUBFLOW_ACTIVE) ||
		   (why != BPF_MPTCP_SUB_RST && why != BPF_MPTCP_SUB_TIMEOUT)) {
		PM_COUNT(ignored);
		return;
	} else if (why == BPF_MPTCP_SUB_TIMEOUT) {
		PM_COUNT(timeout);
	} else {
		PM_COUNT(reset);
		again = pm_after_reset(detail);
	}
	refresh_note(msk, own, &sf, why == BPF_MPTCP_SUB_FAILED, again, p);
	if (pm_denied(msk) && !sf.remote.id &&
	    !pm_raddr_any(&own->announced, sf.local.family, &sf.remote))
		PM_COUNT(prohibited);
}

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.timer = (void *)timer,
	.name = "refresh",
};

SEC("sockops")
TCPOPT_HELP("path manager: replaces subflows that were reset or timed out")
TCPOPT_REQUIRES("mptcp-path-manager")
int refresh(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		PM_CHOOSE(skops);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		if (!pm_few_syns(skops))
			break;
		PM_COUNT(syns);
		bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags |
							 BPF_SOCK_OPS_RETRANS_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		if (skops->state == PM_SYN_SENT)
			PM_COUNT(syns);
		break;
	}
	return 1;
}

PM_LIVE(refresh);

char _license[] SEC("license") = "GPL";
