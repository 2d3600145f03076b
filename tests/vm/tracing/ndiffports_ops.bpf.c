// SPDX-License-Identifier: GPL-2.0
/* The path manager ndiffports once more, of struct_ops: the same parameters and counters
 * as bpf-progs/ndiffports, to compare the two.
 */
#include "../../../bpf-progs/ndiffports/ndiffports.h"
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_pm_ops.h"
#include "../../../bpf-progs/tcpopt_pm_subflow.h"

TCPOPT_MAPS(ndiffports);

#define NDIFFPORTS_DOUBLINGS 60 /* the longest wait, in times of the first one */

/* The counts are here as the verifier follows the values of locals through a loop without
 * a bound.
 */
struct ndiffports_session {
	__u32 asked; /* the parameter that `target` began with */
	__s32 target; /* subflows, less what was lost and is not replaced */
	__s32 live; /* subflows that there are */
	__s32 ours; /* of these, that may be closed */
	struct pm_backoff backoff; /* before lost ones are replaced */
};
PM_KEEPS(struct ndiffports_session);

static const char pm_name[MPTCP_PM_NAME_MAX] = "ndiffports";

static __noinline int count(struct mptcp_sock *msk, struct ndiffports_session *s)
{
	struct bpf_mptcp_subflow *sf;

	if (!s)
		return 0;
	s->live = s->ours = 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		s->live += pm_live(sf);
		s->ours += pm_live(sf) && pm_ours(sf);
	}
	return 0;
}

static __noinline int close_youngest(struct mptcp_sock *msk, struct ndiffports_session *s)
{
	struct bpf_mptcp_subflow *sf;

	if (!s)
		return 0;
	bpf_for_each(mptcp_subflow, sf, msk) {
		if (!pm_live(sf) || !pm_ours(sf) || s->ours-- > s->live - s->target)
			continue;
		if (!bpf_mptcp_pm_close(msk, sf->id))
			PM_COUNT(closed);
	}
	return 0;
}

static __noinline int adjust(struct mptcp_sock *msk)
{
	const struct ndiffports_params *p = ndiffports_params();
	struct ndiffports_session *s = pm_kept(msk);
	struct bpf_mptcp_subflow any = {};
	__u32 wait;

	if (!p || !s || msk->pm.remote_deny_join_id0 || (msk->pm.server_side && !p->server))
		return 0;
	if (s->asked != p->subflows) {
		s->asked = p->subflows;
		s->target = p->subflows;
		s->backoff.delay = 0;
	}
	if (p->replace)
		s->target = p->subflows;
	count(msk, s);
	if (s->live > s->target)
		close_youngest(msk, s);
	wait = pm_left(&s->backoff, pm_now());
	if (s->live < s->target && wait) {
		bpf_mptcp_pm_timer(msk, wait);
		return 0;
	}
	for (int i = 0; i < BPF_MPTCP_SUBFLOWS_MAX && s->live + i < s->target; i++) {
		if (bpf_mptcp_pm_open(msk, &any, sizeof(any)) < 0) {
			PM_COUNT(refused);
			break;
		}
		PM_COUNT(opened);
	}
	return 0;
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	adjust(msk);
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	adjust(msk);
}

SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established)
{
	PM_COUNT(established);
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk)
{
	const struct ndiffports_params *p = ndiffports_params();
	struct ndiffports_session *s = pm_kept(msk);

	if (!p || !s)
		return;
	PM_COUNT(lost);
	if (p->replace)
		pm_put_off(&s->backoff, pm_now(), p->retry, p->retry * NDIFFPORTS_DOUBLINGS);
	else if (s->target)
		s->target--;
	adjust(msk);
}

SEC(".struct_ops")
struct mptcp_pm_ops ops = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.timer = (void *)timer,
	.name = "ndiffports",
};

SEC("sockops")
int claim(struct bpf_sock_ops *skops)
{
	if (skops->op != BPF_MPTCP_NEW_SESSION)
		return 1;
	if (!bpf_mptcp_claim_pm(skops, pm_name, sizeof(pm_name)))
		PM_COUNT(sessions);
	else
		PM_COUNT(busy);
	return 1;
}

SEC("iter/tcp")
int live(struct bpf_iter__tcp *ctx)
{
	if (!ctx->sk_common)
		bpf_mptcp_wake_all();
	return 0;
}

char _license[] SEC("license") = "GPL";
