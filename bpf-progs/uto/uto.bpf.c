// SPDX-License-Identifier: GPL-2.0
/* User Timeout Option (RFC 5482), both ends in one program.
 *
 * Sender: the option rides on every segment from the third ACK on until a
 * segment that carried it was acknowledged, and again when `advertise` changes.
 * Receiver: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)),
 * unless the application has set a timeout of its own (CHANGEABLE is false).
 */
#include "../tcpopt.bpf.h"
#include <linux/tcp.h>
#include "uto.h"

#define UTO_KIND 28
#define UTO_LEN 4
#define UTO_MINUTES 0x8000 /* granularity bit */
#define UTO_MAX 0x7fff

enum uto_state {
	UTO_IDLE, /* nothing to tell, or the peer has it */
	UTO_PENDING, /* no segment that takes sequence space carried it yet */
	UTO_IN_FLIGHT, /* one did; it ends at end_seq */
};

struct uto_conn {
	__u32 state;
	__u32 advertise; /* s, the value being told or told last */
	__u32 end_seq;
	__u32 remote; /* s, REMOTE_UTO; 0: none received */
	__u32 applied; /* ms, what this program set; 0: nothing */
	__u32 last_segs_in; /* the segment of the last option seen: with the */
	__u64 last_header; /* header's address, unique also in a backlog */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uto_params);
} params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uto_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct uto_conn);
} conns SEC(".maps");

#define COUNT(member)                                              \
	do {                                                       \
		__u32 zero_ = 0;                                   \
		struct uto_stats *s_ = bpf_map_lookup_elem(&stats, &zero_); \
		if (s_)                                            \
			s_->member++;                              \
	} while (0)

static __always_inline const struct uto_params *uto_params(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&params, &zero);
}

static __always_inline struct uto_conn *uto_conn(struct bpf_sock_ops *skops, __u64 flags)
{
	struct bpf_sock *sk = skops->sk;

	return sk ? bpf_sk_storage_get(&conns, sk, NULL, flags) : NULL;
}

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

/* Of a callback that has a socket, or of the iterator: both may set options. */
#define uto_apply(ctx, conn, p)                                               \
	do {                                                                  \
		int now_ = 0, want_ = uto_timeout(p, (conn)->remote) * 1000;  \
		bpf_getsockopt(ctx, SOL_TCP, TCP_USER_TIMEOUT, &now_, sizeof(now_)); \
		if (now_ && now_ != (int)(conn)->applied) {                   \
			COUNT(app_set);                                       \
		} else if (now_ == want_) {                                   \
			COUNT(unchanged);                                     \
		} else if (!bpf_setsockopt(ctx, SOL_TCP, TCP_USER_TIMEOUT, &want_, \
					   sizeof(want_))) {                  \
			(conn)->applied = want_;                              \
			COUNT(applied);                                       \
		}                                                             \
	} while (0)

static __always_inline void uto_established(struct bpf_sock_ops *skops)
{
	struct uto_conn *conn = uto_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
	const struct uto_params *p = uto_params();
	int flags = BPF_SOCK_OPS_OPTION_PARSE_FLAG;

	if (!conn || !p)
		return;
	if (p->advertise) {
		conn->state = UTO_PENDING;
		conn->advertise = p->advertise;
		flags |= BPF_SOCK_OPS_OPTION_WRITE_FLAG;
	}
	bpf_sock_ops_cb_flags_set(skops, flags);
}

static __always_inline int uto_size(struct bpf_sock_ops *skops)
{
	struct uto_conn *conn = uto_conn(skops, 0);
	const struct uto_params *p = uto_params();

	if (!conn || !p)
		return 0;
	if (conn->state == UTO_IN_FLIGHT && (__s32)(skops->snd_una - conn->end_seq) >= 0) {
		conn->state = UTO_IDLE;
		COUNT(acknowledged);
	}
	if (conn->state == UTO_IDLE || !p->advertise) {
		conn->state = UTO_IDLE;
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_PARSE_FLAG);
		return 0;
	}
	return UTO_LEN;
}

static __always_inline __u32 uto_write(struct bpf_sock_ops *skops)
{
	struct uto_conn *conn = uto_conn(skops, 0);
	struct tcphdr *th = skops->skb_data;
	__u32 payload;

	if (!conn || (void *)(th + 1) > skops->skb_data_end)
		return 0;
	/* A pure ACK is never acknowledged, so it proves nothing. */
	payload = skops->skb_len - th->doff * 4 + th->fin;
	if (conn->state == UTO_PENDING && payload) {
		conn->state = UTO_IN_FLIGHT;
		conn->end_seq = bpf_ntohl(th->seq) + payload;
	}
	COUNT(advertised);
	return bpf_htonl(UTO_KIND << 24 | UTO_LEN << 16 | uto_encode(conn->advertise));
}

static __always_inline void uto_parse(struct bpf_sock_ops *skops)
{
	__u32 value = bpf_ntohl(skops->args[3]) >> 16;
	__u64 header = (__u64)(long)skops->skb_data;
	__u32 seconds = value & UTO_MAX;
	const struct uto_params *p = uto_params();
	struct uto_conn *conn;

	if (skops->args[1] != UTO_KIND)
		return;
	conn = uto_conn(skops, 0);
	if (!conn || !p)
		return;
	if (conn->last_segs_in == skops->segs_in && conn->last_header == header) {
		COUNT(repeated);
		return;
	}
	conn->last_segs_in = skops->segs_in;
	conn->last_header = header;
	if (skops->args[2] != UTO_LEN) {
		COUNT(bad_length);
		return;
	}
	if (!seconds) {
		COUNT(bad_value);
		return;
	}
	COUNT(received);
	conn->remote = value & UTO_MINUTES ? seconds * 60 : seconds;
	uto_apply(skops, conn, p);
}

SEC("sockops")
TCPOPT_HELP("User Timeout Option, RFC 5482: tell the peer how long to keep unacknowledged data")
TCPOPT_REQUIRES("tcp-options")
int uto(struct bpf_sock_ops *skops)
{
	int reply = -1;

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		uto_established(skops);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		reply = uto_size(skops);
		break;
	case BPF_TCP_OPTIONS_WRITE:
		reply = uto_write(skops);
		break;
	case BPF_TCP_PARSE_OPTIONS:
		uto_parse(skops);
		break;
	}
	TCPOPT_REPLY(skops, 0, reply);
	return 1;
}

/* Run by the loader after `tcpoptctl set`: the connections that this program
 * looks after take up the new values; idle ones tell the peer with their next
 * segment.
 */
struct sock_common;
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	unsigned int uid;
} __attribute__((preserve_access_index));

SEC("iter/tcp")
int uto_refresh(struct bpf_iter__tcp *ctx)
{
	int flags = BPF_SOCK_OPS_OPTION_PARSE_FLAG | BPF_SOCK_OPS_OPTION_WRITE_FLAG;
	const struct uto_params *p = uto_params();
	struct sock_common *common = ctx->sk_common;
	struct uto_conn *conn;
	struct tcp_sock *sk;

	if (!common || !p)
		return 0;
	sk = bpf_skc_to_tcp_sock(common);
	if (!sk)
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, NULL, 0);
	if (!conn)
		return 0;
	if (p->advertise && p->advertise != conn->advertise) {
		conn->state = UTO_PENDING;
		conn->advertise = p->advertise;
		bpf_setsockopt(sk, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
	}
	if (conn->remote)
		uto_apply(sk, conn, p);
	return 0;
}

char _license[] SEC("license") = "GPL";
