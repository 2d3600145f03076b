// SPDX-License-Identifier: GPL-2.0
/* Inactivity timeout: how long a session that has lost its last subflow is kept. Either
 * end may ask for one, as it would like it for itself; of what it wants and what the
 * peer asks for, within `min` and `max`, the shorter one holds.
 *
 * Value: seconds, 32 bits in network order; 0 takes the request back. That is what
 * draft-hoang-mptcp-inactivity-time proposes; its own format of the bytes could not be
 * obtained, so this one is ours.
 */
#include "idle.h"
#include "../tcpopt_peer.h"

TCPOPT_MAPS(idle);
TCPOPT_PEERS;

#include "../tcpopt_ask.h"

#define IDLE_WIDTH 4
#define IDLE_MS_PER_S 1000

/* Used in WAKE, but for `peer`. */
struct tcpopt_own {
	__u32 exid;
	__u32 joined;
	struct ask ask;
	struct ask_peer peer; /* s */
	__u32 held; /* s in force by our doing, 0: as usual */
};

#include "../tcpopt_pm.h"

/* As far as the peer gets what it asks for, in s; 0: not at all, or for nothing. */
static __always_inline __u32 idle_granted(struct tcpopt_session *s, const struct idle_params *p)
{
	bool fresh = ask_peer_is_fresh(&s->own.peer);
	__u32 asked = s->own.peer.wants, granted = asked;

	if (!asked)
		return 0;
	if (!p->max) {
		if (fresh)
			PM_COUNT(not_allowed);
		return 0;
	}
	if (granted < p->min)
		granted = p->min;
	if (granted > p->max)
		granted = p->max;
	if (fresh && granted != asked)
		PM_COUNT(clamped);
	return granted;
}

static __always_inline void idle_wake(struct bpf_sock_ops *skops, const struct idle_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 hold;

	if (!s || !s->established)
		return;
	ask_joined(&s->own.ask, &s->own.joined);
	if (p->timeout || s->own.ask.state)
		ask_tell(skops, &s->own.ask, 0, s->own.exid, p->timeout, IDLE_WIDTH);
	hold = pm_sooner(p->timeout, idle_granted(s, p));
	if (hold == s->own.held)
		return;
	if (bpf_mptcp_set_idle_timeout(skops, hold * IDLE_MS_PER_S)) {
		PM_COUNT(refused);
		bpf_mptcp_wake(skops, ASK_AGAIN);
		return;
	}
	PM_COUNT(applied);
	s->own.held = hold;
}

static __always_inline void idle_received(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (s && ask_is_plain(skops, IDLE_WIDTH))
		ask_peer_wants(skops, &s->own.peer, ask_value(skops, IDLE_WIDTH));
}

static __always_inline void idle_done(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (s)
		ask_done(skops, &s->own.ask);
}

SEC("sockops")
TCPOPT_HELP("agree with the peer on how long an MPTCP session without subflows is kept")
TCPOPT_REQUIRES("mptcp-options")
TCPOPT_REQUIRES("mptcp-idle-timeout")
int idle(struct bpf_sock_ops *skops)
{
	const struct idle_params *p = idle_params();

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
		idle_received(skops);
		break;
	case BPF_MPTCP_OPTION_DONE:
		idle_done(skops);
		break;
	case BPF_MPTCP_WAKE:
		idle_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int idle_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
