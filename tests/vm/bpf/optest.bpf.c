// SPDX-License-Identifier: GPL-2.0
/* Exercises each hook as the parameters say and counts what it was called for. */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include <linux/tcp.h>
#include "optest.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct optest_params);
} params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct optest_stats);
} stats SEC(".maps");

#define TCP_FLAG_FIN_ 1
#define TCP_FLAG_SYN_ 2
#define TCP_FLAG_ACK_ 16

static __always_inline void set_flags(struct bpf_sock_ops *skops, __u32 flags)
{
	if (flags)
		bpf_sock_ops_cb_flags_set(skops, flags << 16);
}

static __always_inline int size(struct bpf_sock_ops *skops, const struct optest_params *p,
				struct optest_stats *s)
{
	__u32 flags = skops->skb_tcp_flags & 0xff;

	if (skops->args[1] & 3 || skops->args[1] > 40)
		s->size_bad_arg++;
	if (p->setsockopt) {
		int one = 1;

		if (bpf_setsockopt(skops, SOL_TCP, TCP_NODELAY, &one, sizeof(one)))
			s->setsockopt_refused++;
		else
			s->setsockopt_allowed++;
	}
	if (!flags) {
		s->size_mss++;
		return p->ask_mss;
	}
	if ((flags & (TCP_FLAG_SYN_ | TCP_FLAG_ACK_)) == TCP_FLAG_SYN_)
		s->size_syn++;
	else if (flags & TCP_FLAG_SYN_)
		s->size_synack++;
	else
		s->size_established++;
	return p->ask;
}

static __always_inline void write(struct bpf_sock_ops *skops, const struct optest_params *p,
				  struct optest_stats *s)
{
	if (skops->is_fullsock)
		s->write_socket++;
	else
		s->write_request++;
	if (!skops->is_fullsock && (skops->snd_cwnd || skops->bytes_received))
		s->fields_of_request++;
	if (skops->args[1] != p->ask)
		s->write_bad_arg++;
	if (p->word0)
		TCPOPT_REPLY(skops, 0, bpf_htonl(p->word0));
	if (p->word1)
		TCPOPT_REPLY(skops, 1, bpf_htonl(p->word1));
	if (p->word2)
		TCPOPT_REPLY(skops, 2, bpf_htonl(p->word2));
	if (p->word3)
		TCPOPT_REPLY(skops, 3, bpf_htonl(p->word3));
}

static __always_inline void parse(struct bpf_sock_ops *skops, const struct optest_params *p,
				  struct optest_stats *s)
{
	struct tcphdr *th = skops->skb_data;

	if ((void *)(th + 1) > skops->skb_data_end || skops->args[1] != p->kind ||
	    skops->args[2] != p->length || bpf_ntohl(skops->args[3]) != p->value)
		s->parse_other++;
	else if (th->syn && th->ack)
		s->parse_synack++;
	else if (th->syn)
		s->parse_syn++;
	else if (th->fin)
		s->parse_fin++;
	else if (skops->skb_len > th->doff * 4)
		s->parse_data++;
	else if (skops->segs_in <= 2)
		s->parse_handshake_ack++;
	else
		s->parse_pure_ack++;
}

SEC("sockops")
TCPOPT_REQUIRES("tcp-options")
int optest(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;
	const struct optest_params *p = bpf_map_lookup_elem(&params, &zero);
	struct optest_stats *s = bpf_map_lookup_elem(&stats, &zero);

	if (!p || !s)
		return 1;
	switch (skops->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		set_flags(skops, p->listen);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		set_flags(skops, p->connect);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		set_flags(skops, p->established);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		TCPOPT_REPLY(skops, 0, size(skops, p, s));
		return 1;
	case BPF_TCP_OPTIONS_WRITE:
		write(skops, p, s);
		return 1;
	case BPF_TCP_PARSE_OPTIONS:
		parse(skops, p, s);
		break;
	}
	TCPOPT_REPLY(skops, 0, -1);
	return 1;
}

char _license[] SEC("license") = "GPL";
