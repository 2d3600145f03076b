// SPDX-License-Identifier: GPL-2.0
/* Delay threshold: an end asks the other to send on the backup subflows as long as the
 * RTT of the first subflow is above a threshold, and on the first one again when it has
 * recovered. For thin streams, whose delay matters and not their rate.
 *
 * Value: threshold and hysteresis in ms, 16 bits each in network order; a threshold of
 * 0 takes the request back. Both on the first subflow.
 *
 * While the first subflow is used its data tells the RTT. While it is not, a probe does:
 * the same option with a bit set and no value, which the peer's kernel echoes.
 */
#include "threshold.h"
#include "../tcpopt_peer.h"

TCPOPT_MAPS(threshold);
TCPOPT_PEERS;

#include "../tcpopt_ask.h"

#define TH_WIDTH 4
#define TH_PROBE 0x4 /* in ask_bits() */
#define TH_NS_PER_US 1000
#define TH_US_PER_MS 1000
#define TH_FIRST 1 /* id of the initial subflow */

/* `rtt`, `above` and `probed` are used with the first subflow locked, `limit`,
 * `hysteresis` and `peer_backup` are noted anywhere and read in WAKE; the rest is used
 * with the session locked.
 */
struct tcpopt_own {
	__u32 exid;
	__u32 joined;
	struct ask ask;
	struct tcpopt_budget asked;
	__u32 limit; /* us, that the peer asked for; 0: none */
	__u32 hysteresis; /* us */
	__u32 rtt; /* us, smoothed; 0: not known */
	__u32 above; /* it is, and was counted */
	__u32 away; /* the backup subflows are used instead */
	__u32 peer_backup; /* what the peer wants the first subflow to be */
	__u32 vain; /* there was no backup subflow */
	__u32 blind; /* a probe was lost: no more of them on that subflow */
	__u32 since; /* then, as of pm_now() */
	__u32 next; /* time of the next probe, as of pm_now() */
	__u64 probed; /* ns; 0: none is under way */
	__u32 active[BPF_MPTCP_SUBFLOWS_MAX]; /* ids of backups that we use */
};

#include "../tcpopt_pm.h"

#include "threshold_switch.h"

/* Measuring */

/* The smoothed RTT, of which the latest one makes 1/@weight. */
static __always_inline __u32 th_smooth(__u32 rtt, __u32 latest, __u32 weight)
{
	return rtt ? rtt - rtt / weight + latest / weight : latest;
}

/* Once for each round trip of any subflow on which someone asked to be told, and not for
 * each ACK: hence the weight. Not TCP's own smoothed RTT: of a subflow that was not used
 * that is an old one.
 */
static __always_inline void th_sample(struct bpf_sock_ops *skops)
{
	__u32 latest = skops->args[0];
	struct bpf_mptcp_subflow sf = {};
	struct tcpopt_session *s;
	bool above;

	s = pm_session(skops);
	if (!s || !s->own.limit || s->own.away ||
	    !pm_load(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf) ||
	    !(sf.flags & BPF_MPTCP_SUBFLOW_INITIAL))
		return;
	s->own.rtt = th_smooth(s->own.rtt, latest, 4);
	above = s->own.rtt > s->own.limit;
	if (above && !s->own.above) {
		PM_COUNT(above);
		bpf_mptcp_wake(skops, 0);
	}
	s->own.above = above;
}

/* Returns ms until the next one, 0: when this one has come back. */
static __always_inline __u32 th_probe(struct bpf_sock_ops *skops, struct tcpopt_session *s,
				      const struct threshold_params *p)
{
	__s32 left = s->own.next - pm_now();

	if (s->own.probed || s->own.ask.state & ASK_UNDER_WAY)
		return 0;
	if (left > 0 && left <= (__s32)p->probe)
		return left;
	s->own.next = pm_now() + p->probe;
	if (ask_send(skops, TH_FIRST, s->own.exid, TH_PROBE, 0, 0)) {
		PM_COUNT(refused);
		return p->probe;
	}
	PM_COUNT(probes);
	s->own.probed = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void th_probe_done(struct bpf_sock_ops *skops, struct tcpopt_session *s)
{
	__u32 latest = (bpf_ktime_get_ns() - s->own.probed) / TH_NS_PER_US;

	s->own.probed = 0;
	if (skops->args[2] == BPF_MPTCP_OPTION_ECHOED) {
		PM_COUNT(measured);
		s->own.rtt = th_smooth(s->own.rtt, latest, 2);
	} else {
		PM_COUNT(lost);
		s->own.blind = 1;
		s->own.since = pm_now();
	}
	bpf_mptcp_wake(skops, 0);
}

/* What is to be done. Each returns ms until there is more, 0: nothing. */

static __always_inline __u32 th_while_away(struct bpf_sock_ops *skops, struct tcpopt_session *s,
					   const struct threshold_params *p)
{
	__s32 left = s->own.since + p->trial - pm_now();

	if (s->own.rtt + s->own.hysteresis < s->own.limit) {
		PM_COUNT(below);
		PM_COUNT(returned);
		s->own.above = 0;
		th_return(skops);
		return 0;
	}
	th_leave(skops);
	/* They have all ended: nothing is gained by calling the first one a backup. */
	if (!th_uses_backup(&s->own)) {
		th_return(skops);
		return 0;
	}
	if (!s->own.blind)
		return th_probe(skops, s, p);
	if (left > 0)
		return left;
	/* Data will tell. */
	PM_COUNT(trials);
	s->own.rtt = 0;
	s->own.above = 0;
	th_return(skops);
	return 0;
}

static __always_inline __u32 th_while_here(struct bpf_sock_ops *skops, struct tcpopt_session *s,
					   const struct threshold_params *p, __u32 there)
{
	if (s->own.rtt <= s->own.limit) {
		s->own.vain = 0;
		return 0;
	}
	if (!(there & TH_HAS_BACKUP)) {
		if (!s->own.vain)
			PM_COUNT(no_backup);
		s->own.vain = 1;
		return 0;
	}
	PM_COUNT(switched);
	s->own.vain = 0;
	s->own.away = 1;
	s->own.next = pm_now() + p->probe;
	th_leave(skops);
	return p->probe;
}

static __always_inline void th_serve(struct bpf_sock_ops *skops, struct tcpopt_session *s,
				     const struct threshold_params *p, __u32 there)
{
	__u32 wait;

	if (!s->own.limit || s->own.limit < p->min * TH_US_PER_MS || !(there & TH_HAS_FIRST)) {
		if (s->own.away)
			th_return(skops);
		return;
	}
	bpf_sock_ops_cb_flags_set(skops,
				  skops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
	wait = s->own.away ? th_while_away(skops, s, p) : th_while_here(skops, s, p, there);
	if (wait)
		bpf_mptcp_wake(skops, wait);
}

static __always_inline void th_wake(struct bpf_sock_ops *skops, const struct threshold_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 hysteresis = p->hysteresis < p->limit ? p->hysteresis : p->limit - 1;

	if (!s || !s->established)
		return;
	s->own.joined = 0;
	/* Of two options under way nobody could tell which one came back. */
	if ((p->limit || s->own.ask.state) && !s->own.probed)
		ask_tell(skops, &s->own.ask, TH_FIRST, s->own.exid,
			 p->limit ? p->limit << 16 | hysteresis : 0, TH_WIDTH);
	th_serve(skops, s, p, th_look(skops));
}

/* Events */

static __always_inline void th_request(struct bpf_sock_ops *skops, struct tcpopt_session *s,
				       const struct threshold_params *p)
{
	__u32 value = ask_value(skops, TH_WIDTH);
	__u32 limit = value >> 16, hysteresis = value & 0xffff;

	if (limit ? hysteresis >= limit : hysteresis) {
		PM_COUNT(bad_value);
		return;
	}
	if (limit * TH_US_PER_MS == s->own.limit &&
	    hysteresis * TH_US_PER_MS == s->own.hysteresis) {
		PM_COUNT(repeated);
		return;
	}
	PM_COUNT(received);
	if (!ask_is_heard(skops, &s->own.asked))
		return;
	if (limit && limit < p->min)
		PM_COUNT(not_allowed);
	s->own.limit = limit * TH_US_PER_MS;
	s->own.hysteresis = hysteresis * TH_US_PER_MS;
	s->own.above = 0;
	bpf_mptcp_wake(skops, 0);
}

static __always_inline void th_received(struct bpf_sock_ops *skops,
					const struct threshold_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 bits = ask_bits(skops), width = ask_width(skops);

	if (!s)
		return;
	if (bits & ~TH_PROBE)
		PM_COUNT(bad_value);
	else if (width != (bits ? 0 : TH_WIDTH))
		PM_COUNT(bad_length);
	else if (bits)
		PM_COUNT(probed);
	else
		th_request(skops, s, p);
}

static __always_inline void th_done(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (!s)
		return;
	if (s->own.probed)
		th_probe_done(skops, s);
	else
		ask_done(skops, &s->own.ask);
}

/* The peer wants a subflow to be a backup, or not any more. */
static __always_inline void th_priority(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 id = skops->args[1], backup = skops->args[2];
	__u64 at;

	if (!s)
		return;
	at = th_active(&s->own, id);
	if (id == TH_FIRST)
		s->own.peer_backup = backup;
	else if (!backup && id && at < BPF_MPTCP_SUBFLOWS_MAX)
		s->own.active[at] = 0;
	bpf_mptcp_wake(skops, 0);
}

static __always_inline void th_closed(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	__u32 id = skops->args[1];
	__u64 at;

	if (!s || !id)
		return;
	at = th_active(&s->own, id);
	if (at < BPF_MPTCP_SUBFLOWS_MAX)
		s->own.active[at] = 0;
	bpf_mptcp_wake(skops, 0);
}

SEC("sockops")
TCPOPT_HELP("use the backup subflows while the RTT of the first is above what the peer asks for")
TCPOPT_REQUIRES("mptcp-options")
int threshold(struct bpf_sock_ops *skops)
{
	const struct threshold_params *p = threshold_params();

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
		th_received(skops, p);
		break;
	case BPF_MPTCP_OPTION_DONE:
		th_done(skops);
		break;
	case BPF_MPTCP_SUB_PRIORITY:
		th_priority(skops);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		th_closed(skops);
		break;
	case BPF_MPTCP_WAKE:
		th_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_forget(skops);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		th_sample(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int threshold_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
