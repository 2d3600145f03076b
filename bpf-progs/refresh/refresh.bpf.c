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
#include <linux/tcp.h>

TCPOPT_MAPS(refresh);

#include "../tcpopt_pm_reset.h"
#include "../tcpopt_pm_subflow.h"

#define REFRESH_PAIRS_MAX 8 /* of a session; it has one, or a few of the peer's choice */
#define REFRESH_SYN_RETRIES 1 /* fewer cannot be asked for */
/* Of an attempt, at most. The kernel adds net.ipv4.tcp_syn_linear_timeouts to the
 * retries, but ends it when the time of those that were asked for is over: after
 * three times the first wait. Without back-off that is enough for a third SYN.
 */
#define REFRESH_SYNS 3
#define REFRESH_MINUTE 60000 /* ms */

/* Times are as of pm_now(). Fields change under the session's lock. */
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
};

#include "../tcpopt_pm.h"

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

/* Under the lock. NULL: no room. */
static __always_inline struct refresh_pair *refresh_add(struct tcpopt_session *s,
							const struct bpf_mptcp_subflow *sf)
{
	for (int i = 0; i < REFRESH_PAIRS_MAX; i++) {
		struct refresh_pair *pair = &s->own.pair[i];

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

static __always_inline bool refresh_load(struct bpf_sock_ops *skops,
					 struct bpf_mptcp_subflow *sf)
{
	if (!pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, sf))
		return false;
	pm_unmap(&sf->local);
	pm_unmap(&sf->remote);
	return true;
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
static __always_inline void refresh_note(struct bpf_sock_ops *skops, struct tcpopt_session *s,
					 const struct bpf_mptcp_subflow *sf, bool failed,
					 enum pm_again again, const struct refresh_params *p)
{
	__u64 i = refresh_find(&s->own, sf);
	__u32 now = pm_now();
	struct refresh_pair *pair;
	bool never = false;

	bpf_spin_lock(&s->lock);
	pair = i < REFRESH_PAIRS_MAX ? &s->own.pair[i] : refresh_add(s, sf);
	if (pair) {
		pair->never |= again == PM_AGAIN_NEVER;
		never = pair->never;
		if (!never)
			refresh_missing(pair, failed, again, now, p);
	}
	bpf_spin_unlock(&s->lock);
	if (!pair)
		PM_COUNT(no_room);
	else if (never)
		PM_COUNT(prohibited);
	else
		bpf_mptcp_wake(skops, 0);
}

static __always_inline void refresh_closed(struct bpf_sock_ops *skops,
					   const struct refresh_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	enum pm_again again = PM_AGAIN;
	struct bpf_mptcp_subflow sf = {};
	__u32 why = skops->args[2];

	if (!s || !refresh_load(skops, &sf))
		return;
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
		again = pm_after_reset(skops->args[3]);
	}
	if (s->denied && !sf.remote.id)
		again = PM_AGAIN_NEVER;
	refresh_note(skops, s, &sf, why == BPF_MPTCP_SUB_FAILED, again, p);
}

/* A replacement works; the next one may be tried. */
static __always_inline void refresh_joined(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	__u32 now = pm_now();
	__u64 i;

	if (!s || !refresh_load(skops, &sf))
		return;
	PM_COUNT(established);
	i = refresh_find(&s->own, &sf);
	if (i >= REFRESH_PAIRS_MAX)
		return;
	bpf_spin_lock(&s->lock);
	s->own.pair[i].since = now;
	s->own.pair[i].vain = 0;
	bpf_spin_unlock(&s->lock);
	bpf_mptcp_wake(skops, 0);
}

/* Pairs with an attempt under way, bit by bit. */
__noinline __u32 refresh_under_way(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	__u32 pairs = 0;

	if (!s)
		return 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (sf.state != PM_SYN_SENT)
			continue;
		pm_unmap(&sf.local);
		pm_unmap(&sf.remote);
		pairs |= 1 << refresh_find(&s->own, &sf);
	}
	return pairs;
}

/* ms until @pair may be tried; 0: now. Without an answer `syns` counts, too. */
static __always_inline __u32 refresh_left(struct refresh_pair *pair, __u32 now,
					  const struct refresh_params *p)
{
	__u32 spacing = REFRESH_MINUTE / (p->syns / REFRESH_SYNS ?: 1);
	__u32 left = pm_left(&pair->backoff, now);

	if (!pair->vain || now - pair->tried >= spacing || left >= spacing - (now - pair->tried))
		return left;
	if (!pair->held) {
		pair->held = 1;
		PM_COUNT(held);
	}
	return spacing - (now - pair->tried);
}

static __always_inline void refresh_open(struct bpf_sock_ops *skops, struct tcpopt_session *s,
					 struct refresh_pair *pair, __u32 now,
					 const struct refresh_params *p)
{
	int err = bpf_mptcp_open_subflow(skops, &pair->like, sizeof(pair->like));

	if (err)
		PM_COUNT(refused);
	else
		PM_COUNT(opened);
	bpf_spin_lock(&s->lock);
	pair->tried = now;
	pair->held = 0;
	if (err)
		pm_put_off(&pair->backoff, now, p->min, p->max);
	else
		pair->missing--;
	bpf_spin_unlock(&s->lock);
}

static __always_inline void refresh_wake(struct bpf_sock_ops *skops,
					 const struct refresh_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 now = pm_now(), under_way, next = 0;

	if (!s)
		return;
	under_way = refresh_under_way(skops);
	for (int i = 0; i < REFRESH_PAIRS_MAX; i++) {
		struct refresh_pair *pair = &s->own.pair[i];

		if (!pair->missing || pair->never || under_way & 1 << i)
			continue;
		if (!refresh_left(pair, now, p))
			refresh_open(skops, s, pair, now, p);
		/* Of what could not be opened, or of the next one. */
		if (pair->missing)
			next = pm_sooner(next, refresh_left(pair, now, p) ?: 1);
	}
	if (next)
		bpf_mptcp_wake(skops, next);
}

/* The kernel is about to send the SYN of a subflow: few, and counted. */
static __always_inline void refresh_connect(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);
	int retries = REFRESH_SYN_RETRIES;
	struct tcpopt_session *s;
	__u32 token;

	if (!msk)
		return;
	token = msk->token;
	s = bpf_map_lookup_elem(&sessions, &token);
	if (!s || !s->established)
		return;
	PM_COUNT(syns);
	bpf_setsockopt(skops, SOL_TCP, TCP_SYNCNT, &retries, sizeof(retries));
	bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags |
						 BPF_SOCK_OPS_RETRANS_CB_FLAG);
}

static __always_inline void refresh_established(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (s)
		pm_established(skops, s);
}

SEC("sockops")
TCPOPT_HELP("path manager: replaces subflows that were reset or timed out")
TCPOPT_REQUIRES("mptcp-path-manager")
int refresh(struct bpf_sock_ops *skops)
{
	const struct refresh_params *p = refresh_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		PM_CLAIM(skops, 0);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		refresh_established(skops);
		break;
	case BPF_MPTCP_SYNACK_RCV:
		refresh_joined(skops);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		refresh_closed(skops, p);
		break;
	case BPF_MPTCP_WAKE:
		refresh_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		refresh_connect(skops);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		if (skops->state == PM_SYN_SENT)
			PM_COUNT(syns);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int refresh_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
