/* SPDX-License-Identifier: GPL-2.0 */
/* Keep a session at a number of subflows.
 *
 * Include it after TCPOPT_MAPS(name); `stats` counts subflows `opened`, `closed`
 * and `lost`, and calls `refused` by the kernel.
 */
#ifndef TCPOPT_PM_NUMBER_H
#define TCPOPT_PM_NUMBER_H

#include "tcpopt_pm_ops.h"
#include "tcpopt_pm_subflow.h"

/* The counts are here because the verifier follows the values of locals through a
 * loop without a bound.
 */
struct pm_number {
	__u32 asked; /* the parameter that `target` began with; 0: none yet */
	__s32 target; /* subflows of the session, less what was lost and is not replaced */
	__s32 expected; /* there are, unless some were lost since */
	__s32 live; /* subflows that there are */
	__s32 over; /* of these, too many */
	__s32 ours; /* and to be closed, if they are the youngest */
	struct pm_backoff backoff; /* before lost ones are replaced */
};

/* How lost subflows are replaced. */
struct pm_replace {
	__u32 on; /* 0: not until another number is asked for */
	__u32 min, max; /* ms to wait before */
};

__noinline int pm_number_count(struct mptcp_sock *msk __arg_trusted, struct pm_number *num)
{
	struct bpf_mptcp_subflow *sf;

	if (!num)
		return 0;
	num->live = 0;
	num->ours = 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		num->live += pm_live(sf);
		num->ours += pm_live(sf) && pm_ours(sf);
	}
	return 0;
}

/* The youngest are the last ones. */
__noinline int pm_number_close(struct mptcp_sock *msk __arg_trusted, struct pm_number *num)
{
	struct bpf_mptcp_subflow *sf;

	if (!num)
		return 0;
	num->over = num->live - num->target;
	bpf_for_each(mptcp_subflow, sf, msk) {
		if (!pm_live(sf) || !pm_ours(sf) || num->ours-- > num->over)
			continue;
		if (bpf_mptcp_pm_close(msk, sf->id)) {
			PM_COUNT(refused);
			continue;
		}
		PM_COUNT(closed);
		num->expected--;
	}
	return 0;
}

/* What became of those that were there: several may have ended when the first one is
 * told of. Lost ones are not replaced, or after a wait: what ends them may end the next
 * ones, too.
 */
static __always_inline void pm_number_lost(struct pm_number *num,
					   const struct pm_replace *replace)
{
	__s32 lost = num->expected - num->live;
	__u32 now = pm_now();

	if (lost <= 0)
		return;
	PM_COUNT_N(lost, lost);
	if (!replace->on) {
		num->target = num->target > lost ? num->target - lost : 0;
		return;
	}
	if ((__s32)(now - num->backoff.until) > (__s32)num->backoff.delay)
		num->backoff.delay = 0;
	pm_put_off(&num->backoff, now, replace->min, replace->max);
}

/* Open and close so that there are @asked. @open one more, its id or -errno; timer() is
 * called when there is more to do.
 */
static __always_inline void pm_keep(struct mptcp_sock *msk, struct pm_number *num, __u32 asked,
				    const struct pm_replace *replace,
				    int (*open)(struct mptcp_sock *msk))
{
	__u32 wait;

	pm_number_count(msk, num);
	if (num->asked != asked) {
		num->asked = asked;
		num->target = asked;
		num->backoff.delay = 0;
	} else {
		pm_number_lost(num, replace);
	}
	if (replace->on)
		num->target = asked;
	num->expected = num->live;
	if (num->live > num->target) {
		pm_number_close(msk, num);
		return;
	}
	wait = pm_left(&num->backoff, pm_now());
	if (num->live < num->target && wait) {
		bpf_mptcp_pm_timer(msk, wait);
		return;
	}
	for (int i = 0; i < BPF_MPTCP_SUBFLOWS_MAX && num->live + i < num->target; i++) {
		if (open(msk) < 0) {
			PM_COUNT(refused);
			break;
		}
		PM_COUNT(opened);
		num->expected++;
	}
}

#endif /* TCPOPT_PM_NUMBER_H */
