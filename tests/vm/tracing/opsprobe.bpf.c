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
	__u32 refuse;	     /* subflows of the peer's */
	__u32 announce;	     /* addresses, 10.77.0.1 and so on */
	__u32 backup;	     /* of subflows that joined */
	__u32 scheduler;     /* choose "roundrobin", and one that there is not */
	__u32 established, joined, closed, timers; /* calls */
	__u32 opened, refused;			   /* calls of bpf_mptcp_pm_open() */
	__s32 error;				   /* of the last one that was refused */
	__s32 claim;				   /* what bpf_mptcp_claim() returned */
	__u32 asked, priority, added, removed, up, down, announced, read; /* calls */
	__u32 last_added, last_removed; /* address ids */
	__s32 results[4]; /* of calls at first: scheduler twice, backup, withdraw */
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

/* As many as there is room for */
static __noinline int announce(struct mptcp_sock *msk)
{
	struct bpf_mptcp_addr addr = { .family = AF_INET };

	for (int i = 0; i < 8 && probe.announce; i++) {
		addr.addr[0] = bpf_htonl(0x0a4d0000 + probe.announce);
		if (bpf_mptcp_pm_announce(msk, &addr, sizeof(addr)) < 0)
			break;
		probe.announce--;
	}
	return 0;
}

SEC("struct_ops/accept_new_subflow")
bool BPF_PROG(accept_new_subflow, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	probe.asked++;
	return !probe.refuse || !sf->remote.family;
}

SEC("struct_ops/established")
void BPF_PROG(established, struct mptcp_sock *msk)
{
	const char name[] = "roundrobin", none[] = "nosuch";

	probe.established++;
	probe.token = msk->token;
	if (probe.scheduler) {
		probe.results[0] = bpf_mptcp_pm_set_scheduler(msk, name, sizeof(name));
		probe.results[1] = bpf_mptcp_pm_set_scheduler(msk, none, sizeof(none));
		probe.results[2] = bpf_mptcp_pm_set_backup(msk, 77, 1);
		probe.results[3] = bpf_mptcp_pm_withdraw(msk, 256);
	}
	announce(msk);
	open_many(msk, probe.open_at_first);
	next_tick(msk);
}

SEC("struct_ops/subflow_established")
void BPF_PROG(subflow_established, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	if (sf->state != 1)
		return;
	probe.joined++;
	if (probe.backup)
		bpf_mptcp_pm_set_backup(msk, sf->id, 1);
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

SEC("struct_ops/subflow_priority")
void BPF_PROG(subflow_priority, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf)
{
	if (sf->flags & BPF_MPTCP_SUBFLOW_PEER_BACKUP)
		probe.priority++;
}

SEC("struct_ops/add_addr_received")
void BPF_PROG(add_addr_received, struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr)
{
	probe.added++;
	probe.last_added = addr->id;
}

SEC("struct_ops/rm_addr_received")
void BPF_PROG(rm_addr_received, struct mptcp_sock *msk, __u32 id)
{
	probe.removed++;
	probe.last_removed = id;
}

SEC("struct_ops/local_addr")
void BPF_PROG(local_addr, struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf, bool up)
{
	if (sf->local.family == AF_INET && sf->ifindex && up)
		probe.up++;
	else if (sf->local.family == AF_INET && sf->ifindex)
		probe.down++;
}

SEC("struct_ops/announced")
void BPF_PROG(announced, struct mptcp_sock *msk)
{
	probe.announced++;
	announce(msk);
}

SEC("struct_ops/data_received")
void BPF_PROG(data_received, struct mptcp_sock *msk)
{
	probe.read++;
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
struct mptcp_pm_ops operations = {
	.accept_new_subflow = (void *)accept_new_subflow,
	.subflow_priority = (void *)subflow_priority,
	.add_addr_received = (void *)add_addr_received,
	.rm_addr_received = (void *)rm_addr_received,
	.local_addr = (void *)local_addr,
	.announced = (void *)announced,
	.data_received = (void *)data_received,
	.established = (void *)established,
	.subflow_established = (void *)subflow_established,
	.subflow_closed = (void *)subflow_closed,
	.timer = (void *)timer,
	.name = "opsprobe",
};

static __always_inline int choose(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_MPTCP_NEW_SESSION)
		probe.claim = bpf_mptcp_claim(skops, pm_name, sizeof(pm_name));
	return 1;
}

SEC("sockops")
int claim(struct bpf_sock_ops *skops)
{
	return choose(skops);
}

/* For the other end. */
SEC("sockops")
int again(struct bpf_sock_ops *skops)
{
	return choose(skops);
}

char _license[] SEC("license") = "GPL";
