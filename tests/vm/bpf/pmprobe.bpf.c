// SPDX-License-Identifier: GPL-2.0
/* Records what programs and path managers are told, and does in it what a test ordered. */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_pm_session.h"
#include "pmprobe.h"

TCPOPT_MAPS(probe);
PM_NAME("pmprobe");

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

/* Tokens stay here until all is told. */
struct mptcp_bpf_pm {
	__u32 token;
	__u32 peer_token;
} __attribute__((preserve_access_index));

struct mptcp_pm_data___bpf {
	struct mptcp_bpf_pm bpf;
} __attribute__((preserve_access_index));

struct mptcp_sock___bpf {
	struct mptcp_pm_data___bpf pm;
} __attribute__((preserve_access_index));

static __always_inline void probe_push(struct probe_event *event)
{
	TCPOPT_COUNT(events);
	if (bpf_map_push_elem(&events, event, 0))
		TCPOPT_COUNT(missed);
}

/* Is it this order's turn? */
static __always_inline bool probe_due(const struct probe_order *order, __u32 op, __u32 token)
{
	return order->state == 1 && order->op == op && (!order->token || order->token == token);
}

/* The program of type sock_ops */

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

/* pm_choose() with another name, if there is one */
static __always_inline int probe_claim(struct bpf_sock_ops *skops, struct probe_order *order)
{
	__u32 len = order->src_len;

	if (!len)
		return pm_choose(skops);
	if (len > sizeof(order->src))
		return 1;
	return bpf_mptcp_claim(skops, order->src, len);
}

static __always_inline int probe_do(struct bpf_sock_ops *skops, struct probe_order *order)
{
	__u32 a = order->a, b = order->b, len = order->src_len;

	switch (order->action) {
	case PROBE_OPEN:
		return probe_open(skops, order);
	case PROBE_CLOSE:
		return bpf_mptcp_close_subflow(skops, a);
	case PROBE_BACKUP:
		return bpf_mptcp_set_backup(skops, a, b);
	case PROBE_WAKE:
		return bpf_mptcp_wake(skops, a);
	case PROBE_CLAIM:
		return probe_claim(skops, order);
	case PROBE_LOAD:
		if (b > sizeof(order->subflow))
			return 1;
		return bpf_mptcp_load_subflow(skops, a, &order->subflow, b);
	case PROBE_SCHEDULER:
		if (len > sizeof(order->src))
			return 1;
		return bpf_mptcp_set_scheduler(skops, order->src, len);
	case PROBE_IDLE:
		return bpf_mptcp_set_idle_timeout(skops, a);
	}
	return 1;
}

static __noinline long probe_order(__u32 i, struct bpf_sock_ops **context)
{
	struct probe_order *order = bpf_map_lookup_elem(&orders, &i);
	struct bpf_sock_ops *skops = *context;

	if (!order || !probe_due(order, skops->op, mptcp_loc_token(skops)))
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
	probe_push(&event);
}

SEC("sockops")
TCPOPT_HELP("records what programs and path managers are told")
TCPOPT_REQUIRES("mptcp-path-manager")
int pmprobe(struct bpf_sock_ops *skops)
{
	const struct probe_params *p = probe_params();
	__u32 op = skops->op;
	int claimed = 1;

	if (!p || ((op < BPF_MPTCP_NEW_SESSION || op > BPF_MPTCP_WAKE) && op != p->other_op))
		return 1;
	if (op == p->claim_at)
		claimed = pm_choose(skops);
	probe_record(skops, claimed);
	bpf_loop(PROBE_ORDERS, probe_order, &skops, 0);
	return 1;
}

/* The path manager */

struct probe_call {
	struct mptcp_sock *msk;
	__u32 op;
	__u32 token;
};

static __always_inline __u32 pm_token(struct mptcp_sock *msk)
{
	return ((struct mptcp_sock___bpf *)msk)->pm.bpf.token;
}

/* A sockaddr_in or _in6 */
static __always_inline void pm_sockaddr(struct bpf_mptcp_addr *to, const __u8 *from)
{
	to->family = *(const __u16 *)from;
	to->port = *(const __be16 *)(from + 2);
	if (to->family == AF_INET)
		to->addr[0] = *(const __be32 *)(from + 4);
	else if (to->family == AF_INET6)
		for (int i = 0; i < 4; i++)
			to->addr[i] = *(const __be32 *)(from + 8 + 4 * i);
}

static __always_inline int pm_open(struct mptcp_sock *msk, struct probe_order *order)
{
	struct bpf_mptcp_subflow sf = {};
	int id;

	if (order->src_len)
		pm_sockaddr(&sf.local, order->src);
	if (order->dst_len)
		pm_sockaddr(&sf.remote, order->dst);
	id = bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
	return id > 0 ? 0 : id;
}

static __always_inline int pm_do(struct mptcp_sock *msk, struct probe_order *order)
{
	__u32 a = order->a, b = order->b, len = order->src_len;
	int id;

	switch (order->action) {
	case PROBE_OPEN:
		return pm_open(msk, order);
	case PROBE_OPEN_SUBFLOW:
		if (a > sizeof(order->subflow))
			return 1;
		id = bpf_mptcp_pm_open(msk, &order->subflow, a);
		return id > 0 ? 0 : id;
	case PROBE_CLOSE:
		return bpf_mptcp_pm_close(msk, a);
	case PROBE_BACKUP:
		return bpf_mptcp_pm_set_backup(msk, a, b);
	case PROBE_SIGNAL:
		if (a > sizeof(order->subflow.local))
			return 1;
		return bpf_mptcp_pm_announce(msk, &order->subflow.local, a);
	case PROBE_WITHDRAW:
		return bpf_mptcp_pm_withdraw(msk, a);
	case PROBE_WAKE:
		bpf_mptcp_pm_timer(msk, a);
		return 0;
	case PROBE_SCHEDULER:
		if (len > sizeof(order->src))
			return 1;
		return bpf_mptcp_pm_set_scheduler(msk, order->src, len);
	case PROBE_IDLE:
		return bpf_mptcp_pm_set_idle_timeout(msk, a);
	}
	return 1;
}

static __noinline long pm_order(__u32 i, struct probe_call *call)
{
	struct probe_order *order = bpf_map_lookup_elem(&orders, &i);
	int result;

	if (!order || !probe_due(order, call->op, call->token))
		return 0;
	result = pm_do(call->msk, order);
	/* PROBE_ANNOUNCED says when to try again. */
	if (result == -PM_EBUSY)
		return 0;
	order->result = result;
	order->state = 2;
	return 0;
}

static __always_inline void pm_orders(struct mptcp_sock *msk, __u32 op)
{
	struct probe_call call = { .msk = msk, .op = op, .token = pm_token(msk) };

	bpf_loop(PROBE_ORDERS, pm_order, &call, 0);
}

static __always_inline void pm_event(struct probe_event *event, struct mptcp_sock *msk, __u32 op,
				     __u32 arg1, __u32 arg2, __u32 arg3)
{
	event->op = op;
	event->args[0] = arg1;
	event->args[1] = arg2;
	event->args[2] = arg3;
	event->loc_token = pm_token(msk);
	event->rem_token = ((struct mptcp_sock___bpf *)msk)->pm.bpf.peer_token;
	event->flags = mptcp_sock_flags(msk);
	event->loc_key = msk->local_key;
	event->rem_key = msk->remote_key;
	event->netns = pm_netns(msk);
	event->claimed = 1;
}

/* With the session's subflows, and what was ordered for it: all but a request have the
 * session locked. @of: what it is about, or NULL.
 */
static __always_inline void pm_told(struct mptcp_sock *msk, __u32 op, __u32 arg1, __u32 arg2,
				    __u32 arg3, const volatile struct bpf_mptcp_subflow *of)
{
	struct bpf_mptcp_subflow *sf, *to;
	struct probe_event event = {};
	__u32 n = 0;

	pm_event(&event, msk, op, arg1, arg2, arg3);
	if (of)
		pm_copy(&event.subflow, of);
	else
		event.loaded = -1;
	bpf_for_each(mptcp_subflow, sf, msk) {
		__u32 key = n;

		to = bpf_map_lookup_elem(&walk, &key);
		if (!to)
			break;
		pm_copy(to, sf);
		n++;
	}
	event.walked = n;
	probe_push(&event);
	pm_orders(msk, op);
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	pm_told(msk, PROBE_ESTABLISHED, 0, 0, 0, NULL);
}

SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	pm_told(msk,
		sf->flags & BPF_MPTCP_SUBFLOW_ACTIVE ? PROBE_SYNACK_RCV : PROBE_ADD_SOCK,
		sf->id, 0, sf->ifindex, sf);
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf,
	      __u32 why, __u32 detail)
{
	pm_told(msk, PROBE_SUB_CLOSED, sf->id, why, detail, sf);
}

SEC("struct_ops/subflow_priority")
void BPF_PROG(subflow_priority, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	pm_told(msk, PROBE_SUB_PRIORITY, sf->id,
		!!(sf->flags & BPF_MPTCP_SUBFLOW_PEER_BACKUP), 0, sf);
}

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	struct bpf_mptcp_subflow sf = {};

	pm_copy_addr(&sf.remote, addr);
	pm_told(msk, PROBE_ADD_RADDR, addr->id, bpf_ntohs(addr->port), addr->family, &sf);
}

SEC("struct_ops/rm_addr_received")
void BPF_PROG(rm_addr_received, struct mptcp_sock *msk, __u32 id)
{
	pm_told(msk, PROBE_REM_RADDR, id, 0, 0, NULL);
}

SEC("struct_ops/local_addr")
void BPF_PROG(local_addr, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf, bool up)
{
	pm_told(msk, up ? PROBE_LADDR_UP : PROBE_LADDR_DOWN, sf->local.family, sf->ifindex, 0,
		sf);
}

SEC("struct_ops/announced")
void BPF_PROG(announced, struct mptcp_sock *msk)
{
	pm_told(msk, PROBE_ANNOUNCED, 0, 0, 0, NULL);
	pm_orders(msk, PROBE_TIMER);
}

SEC("struct_ops/data_received")
void BPF_PROG(data_received, struct mptcp_sock *msk)
{
	pm_told(msk, PROBE_RECV, msk->bytes_received, msk->bytes_received >> 32, 0, NULL);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	pm_told(msk, PROBE_TIMER, 0, 0, 0, NULL);
}

SEC("struct_ops/accept_new_subflow")
bool BPF_PROG(accept_new_subflow, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	const struct probe_params *p = probe_params();
	struct probe_event event = {};

	pm_event(&event, msk, PROBE_SUB_REQUEST, 0, sf->remote.id,
		 !!(sf->flags & BPF_MPTCP_SUBFLOW_PEER_BACKUP));
	pm_copy(&event.subflow, sf);
	probe_push(&event);
	return !p || !p->refuse;
}

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
	.accept_new_subflow = (void *)accept_new_subflow,
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.subflow_priority = (void *)subflow_priority,
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.local_addr = (void *)local_addr,
	.announced = (void *)announced,
	.data_received = (void *)data_received,
	.timer = (void *)timer,
};

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
