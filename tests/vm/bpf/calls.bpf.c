// SPDX-License-Identifier: GPL-2.0
/* Makes each call as the parameters say and counts what came of it. */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "calls.h"

#ifndef NAME
#define NAME calls
#endif
#define MAX 48

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct calls_params);
} params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct calls_stats);
} stats SEC(".maps");

#define RESULT(ret, good, bad)              \
	do {                                \
		int ret_ = (ret);           \
		if (ret_ < 0)               \
			s->bad = -ret_;     \
		else                        \
			s->good++;          \
	} while (0)

/* Kind and length from the parameter, then bytes that count up. */
static __always_inline void fill(__u8 *opt, const struct calls_params *p, __u32 length)
{
	__u32 i;

	for (i = 4; i < MAX; i++)
		opt[i] = i;
	opt[0] = p->head >> 24;
	opt[1] = p->head & 0x00ff0000 ? p->head >> 16 : length;
	opt[2] = p->head >> 8;
	opt[3] = p->head;
}

static __always_inline void act(struct bpf_sock_ops *skops, const struct calls_params *p,
				struct calls_stats *s, __u32 at)
{
	__u8 opt[MAX];
	int value = 0;

	if (p->flags_at & at)
		s->flags_refused += !!bpf_sock_ops_cb_flags_set(skops, p->flags << 16);
	if (p->watch_at & at)
		RESULT(bpf_tcp_option_watch(skops, p->watch_kind, p->watch_exid), watched,
		       watch_errno);
	if (p->set_at & at) {
		fill(opt, p, p->set_length);
		if (p->set_length <= MAX)
			RESULT(bpf_tcp_option_set(skops, opt, p->set_length, p->set_where,
						  p->set_times),
			       templates, set_errno);
	}
	if (p->clear_at & at)
		RESULT(bpf_tcp_option_clear(skops, p->watch_kind, p->watch_exid), cleared,
		       clear_errno);
	if (bpf_ksym_exists(bpf_tcp_option_release) && p->release_at & at)
		RESULT(bpf_tcp_option_release(skops, p->watch_kind, p->watch_exid), released,
		       release_errno);
	if (at != AT_ESTABLISHED)
		return;
	if (p->delack_rtt < 2000) {
		value = p->delack_rtt;
		RESULT(bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_RTT, &value, sizeof(value)),
		       delack_rtt, delack_errno);
		bpf_getsockopt(skops, SOL_TCP, TCP_BPF_DELACK_RTT, &value, sizeof(value));
		s->delack_rtt = value;
	}
	if (p->delack_segs < 300) {
		value = p->delack_segs;
		RESULT(bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_SEGS, &value, sizeof(value)),
		       delack_segs, delack_errno);
		bpf_getsockopt(skops, SOL_TCP, TCP_BPF_DELACK_SEGS, &value, sizeof(value));
		s->delack_segs = value;
	}
}

static __always_inline void store(struct bpf_sock_ops *skops, const struct calls_params *p,
				  struct calls_stats *s, __u32 length)
{
	__u8 opt[MAX];

	if (!length || length > MAX)
		return;
	fill(opt, p, length);
	if (p->vary)
		opt[3] = s->sized;
	RESULT(bpf_tcp_option_store(skops, opt, length), stored, store_errno);
	if (p->store_twice)
		RESULT(bpf_tcp_option_store(skops, opt, length), stored, store_errno);
}

static __always_inline void parse(struct bpf_sock_ops *skops, const struct calls_params *p,
				  struct calls_stats *s)
{
	__u8 opt[MAX] = {}, want[MAX];
	int length = bpf_tcp_option_load(skops, opt, sizeof(opt));
	int i, one = 1;

	s->parsed++;
	s->parsed_again += skops->args[0];
	fill(want, p, length);
	for (i = 0; i < 40; i++)
		if (i < length && opt[i] != want[i])
			break;
	if (i == 40)
		s->parsed_bytes += length;
	else
		s->parsed_wrong++;
	if (length > 2)
		s->load_short_errno = -bpf_tcp_option_load(skops, want, 2);
	s->store_elsewhere_errno = -bpf_tcp_option_store(skops, opt, 4);
	if (p->ack_now)
		bpf_setsockopt(skops, SOL_TCP, TCP_BPF_ACK_NOW, &one, sizeof(one));
}

/* Sequence number of the first data of the connection that was established last. */
static __u32 began;

SEC("sockops")
TCPOPT_REQUIRES("tcp-options")
int NAME(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;
	const struct calls_params *p = bpf_map_lookup_elem(&params, &zero);
	struct calls_stats *s = bpf_map_lookup_elem(&stats, &zero);
	__u8 opt[4];

	if (!p || !s)
		return 1;
	switch (skops->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		act(skops, p, s, AT_LISTEN);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		act(skops, p, s, AT_CONNECT);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		began = skops->snd_nxt;
		act(skops, p, s, AT_ESTABLISHED);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		s->sized++;
		s->sized_mss += skops->args[3] == BPF_WRITE_HDR_TCP_CURRENT_MSS;
		s->sized_again += !!(skops->args[3] & BPF_TCP_OPTIONS_RETRANSMIT);
		s->room_wrong += skops->args[1] + skops->args[2] > 40;
		s->load_elsewhere_errno = -bpf_tcp_option_load(skops, opt, sizeof(opt));
		act(skops, p, s, AT_SIZE);
		if (skops->args[3] == BPF_WRITE_HDR_TCP_CURRENT_MSS)
			act(skops, p, s, AT_MSS);
		if (p->acks_only && (skops->skb_len || !skops->skb_tcp_flags))
			return 1;
		if (p->every && skops->skb_len && (skops->snd_nxt - began) % p->every)
			return 1;
		store(skops, p, s, p->store_size);
		TCPOPT_REPLY(skops, 0, p->reserve);
		return !p->undo;
	case BPF_TCP_OPTIONS_LOST:
		s->lost++;
		break;
	case BPF_TCP_OPTIONS_WRITE:
		s->written++;
		store(skops, p, s, p->store_write);
		return 1;
	case BPF_TCP_PARSE_OPTIONS:
		parse(skops, p, s);
		act(skops, p, s, AT_PARSE);
		break;
	}
	TCPOPT_REPLY(skops, 0, -1);
	return 1;
}

char _license[] SEC("license") = "GPL";
