// SPDX-License-Identifier: GPL-2.0
/* Further subflows only for sessions that last: after some bytes or some time,
 * whichever is first. Short ones would never use them.
 *
 * They go to the addresses that the peer announced, one each, and then between
 * the two addresses of the first one. Those that end are not replaced.
 */
#include "delay.h"
#include "../tcpopt_maps.h"

TCPOPT_MAPS(delay);

#include "../tcpopt_pm_number.h"
#include "../tcpopt_pm_raddr.h"

/* `number` is used in WAKE only; the others are set in one place each, and read
 * in WAKE, which that place asks for.
 */
struct tcpopt_own {
	struct pm_number number;
	__u32 received; /* the bytes are there: RECV has seen it */
	__u32 due; /* for either reason: once and for all */
	__u32 counting; /* RECV is asked for */
};

#include "../tcpopt_pm.h"

/* Where the next ones go. */
struct delay_next {
	__u32 taken; /* places of announced addresses that have a subflow, bit by bit */
	__u32 denied; /* not to the peer's first address */
};

#define DELAY_ALL_TAKEN ((1 << PM_RADDRS_MAX) - 1)
#define DELAY_OPENED (1 << 31)

__noinline __u32 delay_taken(struct bpf_sock_ops *skops)
{
	const struct pm_raddr_list *list = pm_raddr_list(skops);
	struct bpf_mptcp_subflow sf = {};
	__u32 taken = 0;

	if (!list)
		return DELAY_ALL_TAKEN;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		pm_unmap(&sf.remote);
		if (pm_live(&sf))
			taken |= 1 << pm_raddr_find(list, &sf.remote);
	}
	return taken;
}

/* Returns places to be left alone from now on, and whether one was opened: it may
 * be of a family that this session cannot have.
 */
__noinline __u32 delay_open_announced(struct bpf_sock_ops *skops, __u32 taken)
{
	const struct pm_raddr_list *list = pm_raddr_list(skops);
	struct bpf_mptcp_subflow sf = {};

	if (!list)
		return taken;
	for (__u32 i = 0; i < PM_RADDRS_MAX; i++) {
		if (!list->addr[i].family || taken & 1 << i)
			continue;
		taken |= 1 << i;
		sf.remote = list->addr[i];
		if (!bpf_mptcp_open_subflow(skops, &sf, sizeof(sf)))
			return taken | DELAY_OPENED;
		PM_COUNT(refused);
	}
	return taken;
}

static __always_inline int delay_open(struct bpf_sock_ops *skops, void *data)
{
	struct delay_next *next = data;
	__u32 taken = delay_open_announced(skops, next->taken);

	next->taken = taken & DELAY_ALL_TAKEN;
	if (taken & DELAY_OPENED)
		return 0;
	return next->denied ? -1 : bpf_open_subflow(skops, NULL, 0, NULL, 0);
}

/* Returns the ms that are left, 0: none or for ever. */
static __always_inline __u32 delay_until_due(struct tcpopt_session *s,
					     const struct delay_params *p)
{
	__u64 lasted = (bpf_ktime_get_ns() - s->established) / PM_NS_PER_MS;

	if (s->own.due)
		return 0;
	if (s->own.received) {
		s->own.due = 1;
		PM_COUNT(due_bytes);
		return 0;
	}
	if (!p->after)
		return 0;
	if (lasted < p->after)
		return p->after - lasted;
	s->own.due = 1;
	PM_COUNT(due_time);
	return 0;
}

static __always_inline void delay_wake(struct bpf_sock_ops *skops, const struct delay_params *p)
{
	struct tcpopt_session *s = pm_session(skops);
	struct pm_replace replace = {};
	struct delay_next next = {};
	__u32 left, count;

	if (!s || !s->established || (s->server && !p->server))
		return;
	left = delay_until_due(s, p);
	if (left)
		bpf_mptcp_wake(skops, left);
	count = p->bytes && !s->own.due;
	if (count != s->own.counting &&
	    !bpf_mptcp_claim(skops, count ? BPF_MPTCP_WANT_RECV : 0))
		s->own.counting = count;
	if (!s->own.due)
		return;
	next.denied = s->denied;
	next.taken = delay_taken(skops);
	pm_keep(skops, &s->own.number, p->subflows + 1, &replace, delay_open, &next);
}

static __always_inline void delay_established(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (s && pm_established(skops, s))
		bpf_mptcp_wake(skops, 0);
}

static __always_inline void delay_recv(struct bpf_sock_ops *skops, const struct delay_params *p)
{
	__u64 received = skops->args[1] | (__u64)skops->args[2] << 32;
	struct tcpopt_session *s = pm_session(skops);

	if (!s || s->own.received || !p->bytes || received < p->bytes)
		return;
	s->own.received = 1;
	bpf_mptcp_wake(skops, 0);
}

SEC("sockops")
TCPOPT_HELP("path manager: further subflows only for sessions that last")
TCPOPT_REQUIRES("mptcp-path-manager")
int delay(struct bpf_sock_ops *skops)
{
	const struct delay_params *p = delay_params();
	int place;

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		PM_CLAIM(skops, 0);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		delay_established(skops);
		break;
	case BPF_MPTCP_RECV:
		delay_recv(skops, p);
		break;
	case BPF_MPTCP_ADD_RADDR:
		place = pm_raddr_add(skops);
		if (place >= 0)
			PM_COUNT(announced);
		else if (place == PM_RADDR_NO_ROOM)
			PM_COUNT(left_out);
		break;
	case BPF_MPTCP_REM_RADDR:
		pm_raddr_remove(skops);
		break;
	case BPF_MPTCP_ADD_SOCK:
	case BPF_MPTCP_SYNACK_RCV:
		PM_COUNT(established);
		break;
	case BPF_MPTCP_SUB_CLOSED:
		bpf_mptcp_wake(skops, 0);
		break;
	case BPF_MPTCP_WAKE:
		delay_wake(skops, p);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		pm_raddrs_forget(skops);
		pm_forget(skops);
		break;
	}
	return 1;
}

SEC("iter/tcp")
int delay_live(struct bpf_iter__tcp *ctx)
{
	pm_wake_live(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
