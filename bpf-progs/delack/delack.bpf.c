// SPDX-License-Identifier: GPL-2.0
/* Acknowledgement strategy asked of the peer, in two ways:
 *
 *  - an option with the timeout of delayed ACKs, as a share of the minimum RTT,
 *    and the amount of data that forces an ACK. Unlike an absolute time it fits
 *    any path, and it needs no room in the SYN. Kind 253, experiment id, two
 *    bytes of percent, one byte of MSS; 0 leaves that one as it is.
 *  - TARR (draft-ietf-tcpm-ack-rate-request, version 11 as an ns-3 prototype and
 *    version 05 of draft-gomez-tcpm-ack-rate-request as packetdrill has it, which
 *    agree): kind 254, experiment id, one byte with R in its upper seven bits and
 *    a reserved one: an ACK for every R segments, or with R = 0 an ACK at once for
 *    this segment, which leaves R as it was. Both ends say in the handshake, by
 *    the option without that byte, that they know it.
 *
 * Slow start, reordering and recovery keep Linux's own strategy (the kernel
 * sees to it).
 */
#include "delack.h"

struct tcpopt_own {
	__u32 asked; /* value of our option that the peer is being told */
	__u32 rate; /* R that the peer is being told */
	__u32 quiet; /* sequence number up to which segments may carry that R */
	__u32 negotiated; /* the peer knows TARR */
	__u32 rtt, segments; /* set for the peer; 0: Linux's */
};

#include "../tcpopt_option.h"
#include "../tcpopt_peer.h"

#define DELACK_WIDTH 3
#define TARR_WIDTH 1
/* An end that sends nothing but pure ACKs is never acknowledged. */
#define DELACK_SEGMENTS 32
#define DELACK_WHERE (TCPOPT_ON_ALL | BPF_TCP_OPTION_UNTIL_ACKED)

/* Of TCP_BPF_DELACK_MAX: at least two ticks, of 10 ms on the slowest kernels. */
#define DELACK_MIN_US 20000
#define DELACK_MAX_US 200000

#define TCP_FLAG_BYTE_PSH 0x08

enum { DELACK_SLOT, TARR_SLOT };

TCPOPT_MAPS(delack);
TCPOPT_PEERS;

/* Upstream has an upper bound of the timeout only, and in microseconds. */
static __always_inline int delack_set_timeout(struct bpf_sock_ops *skops, __u32 percent)
{
	__u32 rtt = skops->rtt_min;
	int value = percent;

	if (!bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_RTT, &value, sizeof(value)))
		return 0;
	if (rtt == ~0U)
		return -1;
	value = (__u64)rtt * percent / 100 > DELACK_MAX_US ? DELACK_MAX_US : rtt / 100 * percent;
	if (value < DELACK_MIN_US)
		value = DELACK_MIN_US;
	return bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_MAX, &value, sizeof(value));
}

static __always_inline int delack_set_segments(struct bpf_sock_ops *skops, __u32 segments)
{
	int value = segments;

	return bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_SEGS, &value, sizeof(value));
}

/* Set @now by @set to what the peer wants, within the bounds. */
#define delack_apply(skops, want, min, max, now, set)                    \
	do {                                                             \
		__u32 value_ = want;                                     \
		if (value_ < (min))                                      \
			value_ = min;                                    \
		if (value_ > (max))                                      \
			value_ = max;                                    \
		if (!(max)) {                                            \
			TCPOPT_COUNT(not_allowed);                       \
		} else if (value_ == (now)) {                            \
			TCPOPT_COUNT(unchanged);                         \
		} else if (set(skops, value_)) {                         \
			TCPOPT_COUNT(unsupported);                       \
		} else {                                                 \
			(now) = value_;                                  \
			TCPOPT_COUNT(applied);                           \
			if (value_ != (want))                            \
				TCPOPT_COUNT(clamped);                   \
		}                                                        \
	} while (0)

static __always_inline void delack_send(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					__u32 slot, const struct tcpopt_option *opt)
{
	if (tcpopt_send(skops, conn, slot, opt, DELACK_WHERE, DELACK_SEGMENTS))
		TCPOPT_COUNT(taken);
	else
		TCPOPT_COUNT(requested);
}

static __always_inline void delack_ask(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				       const struct delack_params *p)
{
	struct tcpopt_option opt = {
		.kind = TCPOPT_KIND_EXPERIMENT,
		.exid = p->exid,
		.value = p->rtt << 8 | p->segments,
		.width = DELACK_WIDTH,
	};

	if (opt.value == conn->own.asked)
		return;
	conn->own.asked = opt.value;
	if (opt.value)
		delack_send(skops, conn, DELACK_SLOT, &opt);
	else
		tcpopt_stop(skops, conn, DELACK_SLOT, opt.kind, opt.exid);
}

/* Only of a peer that knows TARR. */
static __always_inline void tarr_ask(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				     const struct delack_params *p)
{
	struct tcpopt_option opt = {
		.kind = p->tarr_kind,
		.exid = p->tarr_exid,
		.value = p->tarr_rate << 1,
		.width = TARR_WIDTH,
	};

	if (p->tarr_rate != conn->own.rate) {
		conn->own.rate = p->tarr_rate;
		conn->own.quiet = skops->snd_nxt;
		if (p->tarr_rate)
			delack_send(skops, conn, TARR_SLOT, &opt);
		else
			tcpopt_stop(skops, conn, TARR_SLOT, opt.kind, opt.exid);
	}
	tcpopt_each(skops, conn, p->tarr_now);
}

static __always_inline void tarr_negotiated(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					    const struct delack_params *p)
{
	if (conn->own.negotiated)
		return;
	conn->own.negotiated = 1;
	conn->own.quiet = skops->snd_nxt;
	TCPOPT_COUNT(negotiated);
	tarr_ask(skops, conn, p);
}

static __always_inline void tarr_received(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					  const struct tcpopt_option *opt,
					  const struct delack_params *p)
{
	__u32 rate = opt->value >> 1;
	int one = 1;

	if (!opt->width) {
		tarr_negotiated(skops, conn, p);
		return;
	}
	if (opt->width != TARR_WIDTH) {
		TCPOPT_COUNT(bad_length);
		return;
	}
	TCPOPT_COUNT(received);
	if (!tcpopt_is_within(skops, &peers))
		TCPOPT_COUNT(not_allowed);
	else if (rate)
		delack_apply(skops, rate, p->min_segments, p->max_segments, conn->own.segments,
			     delack_set_segments);
	else if (!p->serve_now)
		TCPOPT_COUNT(not_allowed);
	else if (bpf_setsockopt(skops, SOL_TCP, TCP_BPF_ACK_NOW, &one, sizeof(one)))
		TCPOPT_COUNT(unsupported);
	else
		TCPOPT_COUNT(acked_now);
}

static __always_inline void delack_received(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					    const struct tcpopt_option *opt, bool again)
{
	__u32 rtt = opt->value >> 8, segments = opt->value & 0xff;
	const struct delack_params *p = delack_params();

	if (!p)
		return;
	if (again) {
		TCPOPT_COUNT(repeated);
		return;
	}
	if (opt->kind == conn->watch[TARR_SLOT].kind && opt->exid == conn->watch[TARR_SLOT].exid) {
		tarr_received(skops, conn, opt, p);
		return;
	}
	if (opt->width != DELACK_WIDTH) {
		TCPOPT_COUNT(bad_length);
		return;
	}
	if (!opt->value) {
		TCPOPT_COUNT(bad_value);
		return;
	}
	TCPOPT_COUNT(received);
	if (!tcpopt_is_within(skops, &peers)) {
		TCPOPT_COUNT(not_allowed);
		return;
	}
	if (rtt)
		delack_apply(skops, rtt, p->min_rtt, p->max_rtt, conn->own.rtt,
			     delack_set_timeout);
	if (segments)
		delack_apply(skops, segments, p->min_segments, p->max_segments,
			     conn->own.segments, delack_set_segments);
}

/* The announcement in a SYN-ACK, if the SYN had one; the request for an ACK at
 * once on segments that end a burst. The MSS leaves room for it on all.
 */
static __always_inline bool delack_offer(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					 struct tcpopt_option *opt)
{
	const struct delack_params *p = delack_params();
	__u32 flags = skops->skb_tcp_flags;

	if (!p || !p->tarr)
		return false;
	opt->kind = p->tarr_kind;
	opt->exid = p->tarr_exid;
	opt->value = 0;
	opt->width = conn ? TARR_WIDTH : 0;
	if (!conn)
		return tcpopt_in_syn(skops, opt->kind, opt->exid);
	if (!flags)
		return true;
	if (!(flags & TCP_FLAG_BYTE_PSH) || (__s32)(skops->snd_una - conn->own.quiet) <= 0)
		return false;
	TCPOPT_COUNT(asked_now);
	return true;
}

static __always_inline void delack_refresh_conn(struct bpf_sock_ops *skops,
						struct tcpopt_conn *conn)
{
	const struct delack_params *p = delack_params();

	if (!p)
		return;
	delack_ask(skops, conn, p);
	if (conn->own.negotiated)
		tarr_ask(skops, conn, p);
}

static __always_inline void delack_connect(struct bpf_sock_ops *skops,
					   const struct delack_params *p)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcpopt_option opt = { .kind = p->tarr_kind, .exid = p->tarr_exid };

	if (conn && tcpopt_send(skops, conn, TARR_SLOT, &opt, BPF_TCP_OPTION_ON_SYN, 0))
		TCPOPT_COUNT(taken);
}

static __always_inline void delack_listen(struct bpf_sock_ops *skops,
					  const struct delack_params *p)
{
	int one = 1;

	tcpopt_listen(skops);
	/* A server that asks has to know whether the SYN had the announcement. */
	if (p->tarr_rate || p->tarr_now)
		bpf_setsockopt(skops, SOL_TCP, TCP_SAVE_SYN, &one, sizeof(one));
}

static __always_inline void delack_established(struct bpf_sock_ops *skops,
					       const struct delack_params *p)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);

	if (!conn)
		return;
	if (tcpopt_watch(skops, conn, DELACK_SLOT, TCPOPT_KIND_EXPERIMENT, p->exid))
		TCPOPT_COUNT(taken);
	delack_ask(skops, conn, p);
	if (!p->tarr)
		return;
	if (tcpopt_watch(skops, conn, TARR_SLOT, p->tarr_kind, p->tarr_exid))
		TCPOPT_COUNT(taken);
	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		tcpopt_stop(skops, conn, TARR_SLOT, p->tarr_kind, p->tarr_exid);
		return;
	}
	tcpopt_accepted(skops);
	if (tcpopt_in_syn(skops, p->tarr_kind, p->tarr_exid))
		tarr_negotiated(skops, conn, p);
}

static const struct tcpopt_program delack_program = {
	.received = delack_received,
	.offer = delack_offer,
	.refresh = delack_refresh_conn,
};

SEC("sockops")
TCPOPT_HELP("let peers choose how often they are acknowledged; also by TARR")
TCPOPT_REQUIRES("tcp-option-calls|tcp-header-options")
int delack(struct bpf_sock_ops *skops)
{
	const struct delack_params *p = delack_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		if (p->tarr)
			delack_connect(skops, p);
		break;
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		if (p->tarr)
			delack_listen(skops, p);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		delack_established(skops, p);
		break;
	}
	tcpopt_run(skops, &delack_program);
	return 1;
}

/* Connections that this program looks after ask for the new values with their
 * next segment; bounds hold from the next request on.
 */
SEC("iter/tcp")
TCPOPT_REQUIRES("iter-cb-flags")
int delack_refresh(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcpopt_conn *conn;
	struct tcp_sock *sk;

	if (!common)
		return 0;
	sk = bpf_skc_to_tcp_sock(common);
	if (!sk)
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, NULL, 0);
	if (conn)
		tcpopt_wake(sk, conn);
	return 0;
}

char _license[] SEC("license") = "GPL";
