// SPDX-License-Identifier: GPL-2.0
/* User Timeout Option (RFC 5482), both ends in one program.
 *
 * Sender: the option rides on every segment from the third ACK on until a
 * segment that carried it was acknowledged, and again when `advertise` changes.
 * Receiver: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)),
 * unless the application has set a timeout of its own (CHANGEABLE is false).
 */
#include "uto.h"
#include <linux/types.h>

struct tcpopt_own {
	__u32 advertise; /* s, the value being told or told last */
	__u32 remote; /* s, REMOTE_UTO; 0: none received */
	__u32 applied; /* ms, what this program set; 0: nothing */
};

#include "../tcpopt_option.h"

#define UTO_KIND 28
#define UTO_MINUTES 0x8000 /* granularity bit */
#define UTO_MAX 0x7fff
/* An end that sends nothing but pure ACKs is never acknowledged. */
#define UTO_SEGMENTS 32

TCPOPT_MAPS(uto);

/* What the kernel keeps of a connection and no helper tells before 6.1. */
struct inet_connection_sock {
	__u32 icsk_user_timeout;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct inet_connection_sock inet_conn;
} __attribute__((preserve_access_index));

/* The RFC's formula. Seconds; an end that advertises nothing takes no part. */
static __always_inline __u32 uto_timeout(const struct uto_params *p, __u32 remote)
{
	__u32 timeout = p->l_limit;

	if (remote > timeout)
		timeout = remote;
	if (p->advertise > timeout)
		timeout = p->advertise;
	return timeout < p->u_limit ? timeout : p->u_limit;
}

static __always_inline __u16 uto_encode(__u32 seconds)
{
	if (seconds <= UTO_MAX)
		return seconds;
	return UTO_MINUTES | (seconds + 59) / 60;
}

/* @ctx: a callback that has a socket, or the socket of the iterator: both may
 * set options. @sk: the same socket, as the kernel knows it.
 */
#define uto_apply(ctx, sk, own, p)                                            \
	do {                                                                  \
		__u32 now_ = (sk)->inet_conn.icsk_user_timeout;               \
		__u32 want_ = uto_timeout(p, (own)->remote) * 1000;           \
		if (now_ && now_ != (own)->applied) {                         \
			TCPOPT_COUNT(app_set);                                \
		} else if (now_ == want_) {                                   \
			TCPOPT_COUNT(unchanged);                              \
		} else if (!bpf_setsockopt(ctx, SOL_TCP, TCP_USER_TIMEOUT, &want_, \
					   sizeof(want_))) {                  \
			(own)->applied = want_;                               \
			TCPOPT_COUNT(applied);                                \
		}                                                             \
	} while (0)

/* Tell the peer, or no longer. Pending changes are told by the newest one. */
static __always_inline void uto_advertise(struct bpf_sock_ops *skops, struct tcpopt_conn *conn)
{
	const struct uto_params *p = uto_params();
	struct tcpopt_option opt = { .kind = UTO_KIND, .width = 2 };

	if (!p || p->advertise == conn->own.advertise)
		return;
	conn->own.advertise = p->advertise;
	if (!p->advertise) {
		tcpopt_stop(skops, conn, 0, UTO_KIND, 0);
		return;
	}
	opt.value = uto_encode(p->advertise);
	if (tcpopt_send(skops, conn, 0, &opt, TCPOPT_ON_ALL | BPF_TCP_OPTION_UNTIL_ACKED,
			UTO_SEGMENTS))
		TCPOPT_COUNT(taken);
	else
		TCPOPT_COUNT(advertised);
}

static __always_inline void uto_received(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					 const struct tcpopt_option *opt, bool again)
{
	__u32 seconds = opt->value & UTO_MAX;
	const struct uto_params *p = uto_params();
	struct bpf_sock *sk = skops->sk;
	struct tcp_sock *tp;

	if (!p || !sk)
		return;
	if (again) {
		TCPOPT_COUNT(repeated);
		return;
	}
	if (opt->width != 2) {
		TCPOPT_COUNT(bad_length);
		return;
	}
	if (!seconds) {
		TCPOPT_COUNT(bad_value);
		return;
	}
	TCPOPT_COUNT(received);
	conn->own.remote = opt->value & UTO_MINUTES ? seconds * 60 : seconds;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		uto_apply(skops, tp, &conn->own, p);
}

static const struct tcpopt_program uto_program = {
	.received = uto_received,
	.refresh = uto_advertise,
};

SEC("sockops")
TCPOPT_HELP("User Timeout Option, RFC 5482: tell the peer how long to keep unacknowledged data")
TCPOPT_REQUIRES("tcp-option-calls|tcp-header-options")
int uto(struct bpf_sock_ops *skops)
{
	struct tcpopt_conn *conn;

	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
		if (conn) {
			if (tcpopt_watch(skops, conn, 0, UTO_KIND, 0))
				TCPOPT_COUNT(taken);
			uto_advertise(skops, conn);
		}
	}
	tcpopt_run(skops, &uto_program);
	return 1;
}

/* Connections that this program looks after take up the new values; idle ones
 * tell the peer with their next segment.
 */
SEC("iter/tcp")
TCPOPT_REQUIRES("iter-cb-flags")
int uto_refresh(struct bpf_iter__tcp *ctx)
{
	const struct uto_params *p = uto_params();
	struct sock_common *common = ctx->sk_common;
	struct tcpopt_conn *conn;
	struct tcp_sock *sk;

	if (!common || !p)
		return 0;
	sk = bpf_skc_to_tcp_sock(common);
	if (!sk)
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, NULL, 0);
	if (!conn)
		return 0;
	if (p->advertise != conn->own.advertise)
		tcpopt_wake(sk, conn);
	if (conn->own.remote)
		uto_apply(sk, sk, &conn->own, p);
	return 0;
}

char _license[] SEC("license") = "GPL";
