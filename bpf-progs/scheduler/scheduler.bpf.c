// SPDX-License-Identifier: GPL-2.0
/* Packet scheduler request: an end names, by its id, the scheduler that it would like
 * the other one to send with; that one goes along if its own list allows. Either may
 * change its mind: another `request` is asked for, and another `allow` holds, at once.
 *
 * Value: one byte of id.
 */
#include "scheduler.h"
#include "../tcpopt_peer.h"

TCPOPT_MAPS(scheduler);
TCPOPT_PEERS;

#include "../tcpopt_ask.h"
#include "../tcpopt_algorithm.bpf.h"

#define SCHED_WIDTH 1

enum sched_outcome {
	SCHED_NONE, /* nothing was asked for */
	SCHED_ABSENT,
	SCHED_NOT_ALLOWED,
	SCHED_REFUSED,
	SCHED_UNCHANGED,
	SCHED_APPLIED,
	SCHED_RESTORED,
};

/* Used in WAKE, but for `peer`. */
struct tcpopt_own {
	__u32 exid;
	__u32 joined;
	struct ask ask;
	struct ask_peer peer; /* id */
	__u32 outcome;
	__u32 replaced; /* the scheduler is not `usual`, because of a request */
	char usual[TCPOPT_ALGORITHM_NAME_LEN];
};

#include "../tcpopt_pm.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCHED_SCHEDULERS_MAX);
	__type(key, __u32);
	__type(value, struct tcpopt_algorithm);
} schedulers TCPOPT_MAP_PARAM_KEY("schedulers", "allow",
				  "packet schedulers that peers may ask for") SEC(".maps");

struct mptcp_sched_ops {
	char name[TCPOPT_ALGORITHM_NAME_LEN];
} __attribute__((preserve_access_index));

struct mptcp_sock___sched {
	struct mptcp_sched_ops *sched;
} __attribute__((preserve_access_index));

static __always_inline bool sched_is_known(__u32 id)
{
	switch (id) {
#define SCHED_CASE(number, name) case number:
		SCHED_SCHEDULERS(SCHED_CASE)
		return true;
	}
	return false;
}

/* The name of that in force; false: there is no subflow to ask. */
static __always_inline bool sched_now(struct bpf_sock_ops *skops, char *name)
{
	struct mptcp_sock___sched *msk = (void *)mptcp_sock_of(skops);
	struct mptcp_sched_ops *sched;

	if (!msk)
		return false;
	sched = msk->sched;
	/* Without one it is the default. */
	if (!sched)
		memcpy(name, "default", sizeof("default"));
	else
		memcpy(name, sched->name, sizeof(sched->name));
	return true;
}

static __always_inline enum sched_outcome sched_change(struct bpf_sock_ops *skops,
						       struct tcpopt_session *s,
						       const struct tcpopt_algorithm *to)
{
	char now[TCPOPT_ALGORITHM_NAME_LEN] = {}, name[TCPOPT_ALGORITHM_NAME_LEN] = {};

	memcpy(name, to->name, sizeof(name));
	if (!sched_now(skops, now))
		return SCHED_REFUSED;
	if (tcpopt_same_name(now, name))
		return s->own.replaced ? SCHED_APPLIED : SCHED_UNCHANGED;
	if (!s->own.replaced)
		memcpy(s->own.usual, now, sizeof(now));
	if (bpf_mptcp_set_scheduler(skops, name, sizeof(name)))
		return SCHED_REFUSED;
	s->own.replaced = 1;
	return SCHED_APPLIED;
}

/* What was granted is allowed no longer. */
static __always_inline void sched_restore(struct bpf_sock_ops *skops, struct tcpopt_session *s)
{
	char name[TCPOPT_ALGORITHM_NAME_LEN] = {};

	if (!s->own.replaced)
		return;
	memcpy(name, s->own.usual, sizeof(name));
	if (bpf_mptcp_set_scheduler(skops, name, sizeof(name))) {
		PM_COUNT(refused);
		return;
	}
	PM_COUNT(restored);
	s->own.replaced = 0;
}

static __always_inline enum sched_outcome sched_decide(struct bpf_sock_ops *skops,
						       struct tcpopt_session *s)
{
	__u32 id = s->own.peer.wants;
	const struct tcpopt_algorithm *to = bpf_map_lookup_elem(&schedulers, &id);

	if (to && to->allowed)
		return sched_change(skops, s, to);
	sched_restore(skops, s);
	return to ? SCHED_NOT_ALLOWED : SCHED_ABSENT;
}

static __always_inline void sched_count(enum sched_outcome outcome)
{
	switch (outcome) {
	case SCHED_ABSENT:
		PM_COUNT(absent);
		break;
	case SCHED_NOT_ALLOWED:
		PM_COUNT(not_allowed);
		break;
	case SCHED_REFUSED:
		PM_COUNT(refused);
		break;
	case SCHED_UNCHANGED:
		PM_COUNT(unchanged);
		break;
	case SCHED_APPLIED:
		PM_COUNT(applied);
		break;
	default:
		break;
	}
}

static __always_inline void sched_wake(struct bpf_sock_ops *skops,
				       const struct scheduler_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	enum sched_outcome outcome;
	bool fresh;

	if (!s || !s->established)
		return;
	ask_joined(&s->own.ask, &s->own.joined);
	if (p->request)
		ask_tell(skops, &s->own.ask, 0, s->own.exid, p->request, SCHED_WIDTH);
	if (!s->own.peer.wants)
		return;
	fresh = ask_peer_is_fresh(&s->own.peer);
	outcome = sched_decide(skops, s);
	if (fresh || outcome != s->own.outcome)
		sched_count(outcome);
	s->own.outcome = outcome;
}

static __always_inline void sched_received(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 id = ask_value(skops, SCHED_WIDTH);

	if (!s || !ask_is_plain(skops, SCHED_WIDTH))
		return;
	if (!id)
		PM_COUNT(bad_value);
	else if (!sched_is_known(id))
		PM_COUNT(unknown);
	else
		ask_peer_wants(skops, &s->own.peer, id);
}

static __always_inline void sched_done(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (s)
		ask_done(skops, &s->own.ask);
}

SEC("sockops")
TCPOPT_HELP("let a peer choose the packet scheduler of this end's MPTCP sessions, from a list")
TCPOPT_REQUIRES("mptcp-options")
TCPOPT_REQUIRES("mptcp-scheduler")
int scheduler(struct bpf_sock_ops *skops)
{
	const struct scheduler_params *p = scheduler_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		ASK_BEGIN(skops, p->exid);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		ASK_ESTABLISHED(skops);
		break;
	case BPF_MPTCP_PARSE_OPTIONS:
		sched_received(skops);
		break;
	case BPF_MPTCP_OPTION_DONE:
		sched_done(skops);
		break;
	case BPF_MPTCP_WAKE:
		sched_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int scheduler_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
