// SPDX-License-Identifier: GPL-2.0
/* Records every callback of a path manager, and does in it what a test ordered. */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_mptcp_sk.h"
#include "pmprobe.h"

TCPOPT_MAPS(probe);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, PROBE_EVENTS);
	__type(value, struct probe_event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_ORDERS);
	__type(key, __u32);
	__type(value, struct probe_order);
} orders SEC(".maps");

/* Subflows of the session for which the latest walk was. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BPF_MPTCP_SUBFLOWS_MAX);
	__type(key, __u32);
	__type(value, struct bpf_mptcp_subflow);
} walk SEC(".maps");

static __always_inline void probe_walk(struct bpf_sock_ops *skops, struct probe_event *event)
{
	struct bpf_mptcp_subflow *sf;
	int err;

	event->walked = 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		__u32 key = n; /* the verifier loses track of what has an address */

		sf = bpf_map_lookup_elem(&walk, &key);
		if (!sf)
			break;
		err = bpf_mptcp_load_subflow(skops, n, sf, sizeof(*sf));
		if (!n)
			event->first = err;
		if (err)
			break;
		event->walked++;
	}
}

static __always_inline int probe_open(struct bpf_sock_ops *skops, struct probe_order *order)
{
	__u32 src_len = order->src_len, dst_len = order->dst_len;

	if (src_len > sizeof(order->src) || dst_len > sizeof(order->dst))
		return 1;
	if (!src_len && !dst_len)
		return bpf_open_subflow(skops, NULL, 0, NULL, 0);
	if (!src_len)
		return bpf_open_subflow(skops, NULL, 0, order->dst, dst_len);
	if (!dst_len)
		return bpf_open_subflow(skops, order->src, src_len, NULL, 0);
	return bpf_open_subflow(skops, order->src, src_len, order->dst, dst_len);
}

static __always_inline int probe_scheduler(struct bpf_sock_ops *skops, struct probe_order *order)
{
	__u32 len = order->src_len;

	if (len > sizeof(order->src))
		return 1;
	return bpf_mptcp_set_scheduler(skops, order->src, len);
}

static __always_inline int probe_do(struct bpf_sock_ops *skops, struct probe_order *order)
{
	__u32 a = order->a, b = order->b;

	switch (order->action) {
	case PROBE_OPEN:
		return probe_open(skops, order);
	case PROBE_OPEN_SUBFLOW:
		if (a > sizeof(order->subflow))
			return 1;
		return bpf_mptcp_open_subflow(skops, &order->subflow, a);
	case PROBE_CLOSE:
		return bpf_mptcp_close_subflow(skops, a);
	case PROBE_BACKUP:
		return bpf_mptcp_set_backup(skops, a, b);
	case PROBE_SIGNAL:
		if (a > sizeof(order->subflow.local))
			return 1;
		return bpf_mptcp_addr_signal(skops, &order->subflow.local, a);
	case PROBE_WITHDRAW:
		return bpf_mptcp_addr_withdraw(skops, a);
	case PROBE_WAKE:
		return bpf_mptcp_wake(skops, a);
	case PROBE_CLAIM:
		return bpf_mptcp_claim(skops, a);
	case PROBE_LOAD:
		if (b > sizeof(order->subflow))
			return 1;
		return bpf_mptcp_load_subflow(skops, a, &order->subflow, b);
	case PROBE_SCHEDULER:
		return probe_scheduler(skops, order);
	case PROBE_IDLE:
		return bpf_mptcp_set_idle_timeout(skops, a);
	}
	return 1;
}

static __noinline long probe_order(__u32 i, struct bpf_sock_ops **context)
{
	struct probe_order *order = bpf_map_lookup_elem(&orders, &i);
	struct bpf_sock_ops *skops = *context;

	if (!order || order->state != 1 || order->op != skops->op ||
	    (order->token && order->token != mptcp_loc_token(skops)))
		return 0;
	order->result = probe_do(skops, order);
	order->state = 2;
	return 0;
}

static __always_inline void probe_record(struct bpf_sock_ops *skops, int claimed)
{
	struct probe_event event = {
		.op = skops->op,
		.args = { skops->args[1], skops->args[2], skops->args[3] },
		.has_sk = !!skops->sk,
		.loc_token = mptcp_loc_token(skops),
		.rem_token = mptcp_rem_token(skops),
		.flags = mptcp_flags(skops),
		.loc_key = mptcp_loc_key(skops),
		.rem_key = mptcp_rem_key(skops),
		.netns = bpf_get_netns_cookie(skops),
		.claimed = claimed,
	};

	event.loaded = bpf_mptcp_load_subflow(skops, BPF_MPTCP_SUBFLOW_EVENT, &event.subflow,
					      sizeof(event.subflow));
	probe_walk(skops, &event);
	if (bpf_map_push_elem(&events, &event, 0))
		TCPOPT_COUNT(missed);
}

SEC("sockops")
TCPOPT_HELP("records what a path manager is told")
TCPOPT_REQUIRES("mptcp-path-manager")
int pmprobe(struct bpf_sock_ops *skops)
{
	const struct probe_params *p = probe_params();
	__u32 op = skops->op;
	int claimed = 1;

	if (!p || ((op < BPF_MPTCP_NEW_SESSION || op > BPF_MPTCP_WAKE) && op != p->other_op))
		return 1;
	TCPOPT_COUNT(events);
	if (op == p->claim_at)
		claimed = bpf_mptcp_claim(skops, p->claim_flags);
	probe_record(skops, claimed);
	bpf_loop(PROBE_ORDERS, probe_order, &skops, 0);
	if (op == BPF_MPTCP_SUB_REQUEST && p->refuse)
		skops->reply = BPF_MPTCP_SUB_REFUSE;
	return 1;
}

SEC("iter/tcp")
int pmprobe_wake(struct bpf_iter__tcp *ctx)
{
	__u32 zero = 0;
	struct probe_stats *s = bpf_map_lookup_elem(&stats, &zero);

	if (s && !ctx->sk_common)
		s->woken += bpf_mptcp_wake_all();
	return 0;
}

char _license[] SEC("license") = "GPL";
