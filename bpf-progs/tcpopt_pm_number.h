/* SPDX-License-Identifier: GPL-2.0 */
/* Keep a session at a number of subflows.
 *
 * Include it after TCPOPT_MAPS(name); `stats` counts subflows `opened`, `closed`
 * and `lost`, and calls `refused` by the kernel.
 */
#ifndef TCPOPT_PM_NUMBER_H
#define TCPOPT_PM_NUMBER_H

#include "tcpopt_pm_subflow.h"

struct pm_number {
	__u32 asked; /* the parameter that `target` began with; 0: none yet */
	__u32 target; /* subflows of the session, less what was lost and is not replaced */
	__u32 expected; /* there are, unless some were lost since */
	struct pm_backoff backoff; /* before lost ones are replaced */
};

/* How lost subflows are replaced. */
struct pm_replace {
	__u32 on; /* 0: not until another number is asked for */
	__u32 min, max; /* ms to wait before */
};

/* The youngest subflow that this end opened and that is older than @id; 0: none. */
__noinline __u32 pm_youngest(struct bpf_sock_ops *skops, __u32 id)
{
	struct bpf_mptcp_subflow sf = {};
	__u32 found = 0;

	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (pm_live(&sf) && pm_ours(&sf) && sf.id < id && sf.id > found)
			found = sf.id;
	}
	return found;
}

__noinline __u32 pm_live_subflows(struct bpf_sock_ops *skops)
{
	struct bpf_mptcp_subflow sf = {};
	__u32 live = 0;

	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		live += pm_live(&sf);
	}
	return live;
}

/* Returns how many are on their way out. */
static __always_inline __u32 pm_close_youngest(struct bpf_sock_ops *skops, __u32 many)
{
	__u32 id = ~0U, closed = 0;

	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX && i < many; i++) {
		id = pm_youngest(skops, id);
		if (!id)
			break;
		if (bpf_mptcp_close_subflow(skops, id)) {
			PM_COUNT(refused);
			continue;
		}
		PM_COUNT(closed);
		closed++;
	}
	return closed;
}

/* What became of those that were there. Lost ones are not replaced, or after a
 * wait: what ends them may end the next ones, too.
 */
static __always_inline void pm_number_lost(struct pm_number *num, __u32 live,
					   const struct pm_replace *replace)
{
	__u32 lost = num->expected > live ? num->expected - live : 0, now;

	if (!lost)
		return;
	PM_COUNT_N(lost, lost);
	if (!replace->on) {
		num->target = num->target > lost ? num->target - lost : 0;
		return;
	}
	now = pm_now();
	if ((__s32)(now - num->backoff.until) > (__s32)num->backoff.delay)
		num->backoff.delay = 0;
	pm_put_off(&num->backoff, now, replace->min, replace->max);
}

/* In WAKE: open and close so that there are @asked. @open one more, 0 or -errno.
 * Returns the ms after which to look again, 0: none.
 */
static __always_inline __u32 pm_keep(struct bpf_sock_ops *skops, struct pm_number *num,
				     __u32 asked, const struct pm_replace *replace,
				     int (*open)(struct bpf_sock_ops *skops, void *data),
				     void *data)
{
	__u32 live = pm_live_subflows(skops), want, wait = 0;

	if (num->asked != asked) {
		num->asked = asked;
		num->target = asked;
		num->backoff.delay = 0;
	} else {
		pm_number_lost(num, live, replace);
	}
	if (replace->on)
		num->target = asked;
	want = num->target;
	if (live > want)
		live -= pm_close_youngest(skops, live - want);
	else if (live < want && num->backoff.delay)
		wait = pm_left(&num->backoff, pm_now());
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++) {
		if (live >= want || wait)
			break;
		if (open(skops, data)) {
			PM_COUNT(refused);
			break;
		}
		PM_COUNT(opened);
		live++;
	}
	num->expected = live;
	return wait;
}

#endif /* TCPOPT_PM_NUMBER_H */
