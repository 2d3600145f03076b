// SPDX-License-Identifier: GPL-2.0
/* Watches an MPTCP option, records what it is told, and does what a test ordered. */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_mptcp_sk.h"
#include "../../../bpf-progs/tcpopt_mptcp_option.h"
#include "mpopt.h"

TCPOPT_MAPS(mpopt);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, MPOPT_EVENTS);
	__type(value, struct mpopt_event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MPOPT_ORDERS);
	__type(key, __u32);
	__type(value, struct mpopt_order);
} orders SEC(".maps");

static __always_inline int mpopt_do(struct bpf_sock_ops *skops, struct mpopt_order *order)
{
	__u32 length = order->length;

	switch (order->action) {
	case MPOPT_SEND:
		if (length > sizeof(order->option))
			return 1;
		return bpf_mptcp_option_send(skops, order->a, order->option, length, order->b);
	case MPOPT_CLEAR:
		return bpf_mptcp_option_clear(skops, order->a, order->b);
	case MPOPT_WATCH:
		return bpf_mptcp_option_watch(skops, order->a, order->b);
	case MPOPT_CLOSE:
		return bpf_mptcp_close_subflow(skops, order->a);
	case MPOPT_BACKUP:
		return bpf_mptcp_set_backup(skops, order->a, order->b);
	case MPOPT_OPEN:
		return bpf_open_subflow(skops, NULL, 0, NULL, 0);
	}
	return 1;
}

static __noinline long mpopt_order(__u32 i, struct bpf_sock_ops **context)
{
	struct mpopt_order *order = bpf_map_lookup_elem(&orders, &i);
	struct bpf_sock_ops *skops = *context;

	if (!order || order->state != 1 || order->op != skops->op)
		return 0;
	for (__u32 n = 0; n < 32; n++) {
		if (n && n >= order->times)
			break;
		order->result = mpopt_do(skops, order);
	}
	order->state = 2;
	return 0;
}

static __always_inline void mpopt_each(struct bpf_sock_ops *skops, const struct mpopt_params *p)
{
	__u8 opt[64] __attribute__((aligned(8))) = { p->subtype << 4, p->exid >> 8, p->exid };
	__u32 size = p->size;

	if (p->each == 4)
		opt[2]++;
	opt[3] = opt[4] = opt[5] = opt[6] = opt[7] = 0xab;
	if (skops->op == BPF_MPTCP_OPTIONS_SIZE_CALC) {
		TCPOPT_COUNT(asked);
		if (p->each != 2)
			TCPOPT_REPLY(skops, 0, size);
		else if (size > sizeof(opt) || bpf_tcp_option_store(skops, opt, size))
			TCPOPT_COUNT(refused);
	} else if (p->each != 3) {
		TCPOPT_COUNT(written);
		for (int i = 0; i < 4; i++)
			TCPOPT_REPLY(skops, i, ((__u32 *)opt)[i]);
	}
}

SEC("sockops")
TCPOPT_HELP("sends and receives any MPTCP option")
TCPOPT_REQUIRES("mptcp-path-manager")
int mpopt(struct bpf_sock_ops *skops)
{
	const struct mpopt_params *p = mpopt_params();
	__u32 op = skops->op;
	struct mpopt_event event = { .op = op, .watched = 1 };
	struct bpf_mptcp_subflow sf;

	if (p && (op == BPF_MPTCP_OPTIONS_SIZE_CALC || op == BPF_MPTCP_OPTIONS_WRITE)) {
		mpopt_each(skops, p);
		return 1;
	}
	if (!p || ((op < BPF_MPTCP_NEW_SESSION || op > BPF_MPTCP_WAKE) &&
		   op != BPF_MPTCP_PARSE_OPTIONS && op != BPF_MPTCP_OPTION_DONE))
		return 1;
	TCPOPT_COUNT(events);
	event.args[0] = skops->args[1];
	event.args[1] = skops->args[2];
	event.args[2] = skops->args[3];
	event.loc_token = mptcp_loc_token(skops);
	if (op == BPF_MPTCP_NEW_SESSION && p->subtype)
		event.watched = bpf_mptcp_option_watch(skops, p->subtype, p->exid);
	if (!bpf_mptcp_load_subflow(skops, BPF_MPTCP_SUBFLOW_EVENT, &sf, sizeof(sf)))
		event.subflow = sf.id;
	event.length = bpf_mptcp_option_load(skops, event.option, sizeof(event.option));
	if (op == BPF_MPTCP_FULLY_ESTABLISHED && p->each)
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_MPTCP_OPTION_WRITE_FLAG);
	if (bpf_map_push_elem(&events, &event, 0))
		TCPOPT_COUNT(missed);
	bpf_loop(MPOPT_ORDERS, mpopt_order, &skops, 0);
	return 1;
}

SEC("iter/tcp")
int mpopt_wake(struct bpf_iter__tcp *ctx)
{
	__u32 zero = 0;
	struct mpopt_stats *s = bpf_map_lookup_elem(&stats, &zero);

	if (s && !ctx->sk_common)
		s->woken += bpf_mptcp_wake_all();
	return 0;
}

char _license[] SEC("license") = "GPL";
