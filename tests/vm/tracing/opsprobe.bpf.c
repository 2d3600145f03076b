// SPDX-License-Identifier: GPL-2.0
/* A path manager of struct_ops that asks for too much, or in the wrong moment. */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_pm_ops.h"

#define TRIES 40 /* more than an operation may */

/* Read and written by test_pm_ops.py, in this order. */
struct opsprobe {
	__u32 open_at_first; /* subflows to open when established */
	__u32 port;	     /* that they are to be opened to, host order; 0: the session's */
	__u32 open_again;    /* when one closed, as often as possible */
	__u32 close_others;  /* when one closed: all but the initial one */
	__u32 tick;	     /* ms between timers; ~0: as soon as possible */
	__u32 established, joined, closed, timers; /* calls */
	__u32 opened, refused;			   /* calls of bpf_mptcp_pm_open() */
	__s32 error;				   /* of the last one that was refused */
	__s32 claim;				   /* what bpf_mptcp_claim_pm() returned */
	__u32 token; /* of the session that was established last */
};
struct opsprobe probe;

static const char pm_name[MPTCP_PM_NAME_MAX] = "opsprobe";

static __noinline int open_many(struct mptcp_sock *msk, __u32 many)
{
	struct bpf_mptcp_subflow sf = {};
	int id;

	if (probe.port)
		sf.remote.port = bpf_htons(probe.port);
	for (__u32 i = 0; i < TRIES && i < many; i++) {
		id = bpf_mptcp_pm_open(msk, &sf, sizeof(sf));
		if (id > 0) {
			probe.opened++;
		} else {
			probe.refused++;
			probe.error = id;
		}
	}
	return 0;
}

static void next_tick(struct mptcp_sock *msk)
{
	if (probe.tick)
		bpf_mptcp_pm_timer(msk, probe.tick == ~0U ? 0 : probe.tick);
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	probe.established++;
	probe.token = msk->token;
	open_many(msk, probe.open_at_first);
	next_tick(msk);
}

SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	if (sf->state == 1)
		probe.joined++;
}

SEC("struct_ops/subflow_closed")
void BPF_PROG(subflow_closed, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *gone)
{
	struct bpf_mptcp_subflow *sf;

	probe.closed++;
	if (probe.close_others) {
		bpf_for_each(mptcp_subflow, sf, msk) if (!(sf->flags & BPF_MPTCP_SUBFLOW_INITIAL))
			bpf_mptcp_pm_close(msk, sf->id);
		/* The one that it is about is gone already. */
		if (bpf_mptcp_pm_close(msk, gone->id) != -2)
			probe.error = 1;
	}
	if (probe.open_again) {
		open_many(msk, TRIES);
		bpf_mptcp_pm_timer(msk, 1);
	}
}

SEC("struct_ops/timer")
void BPF_PROG(timer, struct mptcp_sock *msk)
{
	probe.timers++;
	if (probe.open_again) {
		open_many(msk, TRIES);
		bpf_mptcp_pm_timer(msk, 1);
	}
	next_tick(msk);
}

SEC(".struct_ops")
struct mptcp_pm_ops ops = {
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.timer = (void *)timer,
	.name = "opsprobe",
};

SEC("sockops")
int claim(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_MPTCP_NEW_SESSION)
		probe.claim = bpf_mptcp_claim_pm(skops, pm_name, sizeof(pm_name));
	return 1;
}

char _license[] SEC("license") = "GPL";
