// SPDX-License-Identifier: GPL-2.0
/* Calls each function of path managers of struct_ops with each kind of pointer the
 * verifier knows, and from where it must not be called: one program a case. The path
 * manager `storm` calls all of them from every operation, at random, with what a test
 * writes to `values` meanwhile.
 */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_pm_ops.h"

#define ROOM 64 /* bytes of the memory of each kind: a struct bpf_mptcp_subflow */
#define CALLS 6 /* of an operation */

struct value {
	__u8 bytes[ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* may change at any time */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct counts {
	__u32 operations, done, refused;
	__u32 quiet; /* call nothing */
};
struct counts counts;

const volatile __u8 constant[ROOM] = {2};

struct mptcp_sock___first {
	struct mptcp_sock *first; /* a struct sock, says the kernel */
} __attribute__((preserve_access_index));

/* The functions that take memory */
#define OPEN(mem, n) bpf_mptcp_pm_open(msk, mem, n)
#define ANNOUNCE(mem, n) bpf_mptcp_pm_announce(msk, mem, n)
#define SCHEDULER(mem, n) bpf_mptcp_pm_set_scheduler(msk, mem, n)

/* Each kind: `mem` is made to point at ROOM bytes, or nowhere. */
#define STACK __u8 bytes[ROOM] __attribute__((aligned(8))) = {2}; void *mem = bytes;
#define VALUE                                                      \
	__u32 zero = 0;                                            \
	void *mem = bpf_map_lookup_elem(&values, &zero);           \
	if (!mem)                                                  \
		return;
#define UNTESTED __u32 zero = 0; void *mem = bpf_map_lookup_elem(&values, &zero);
#define NOTHING void *mem = NULL;
#define CONSTANT void *mem = (void *)constant;
#define RING                                                       \
	void *mem = bpf_ringbuf_reserve(&ring, ROOM, 0);           \
	if (!mem)                                                  \
		return;
#define SESSION void *mem = msk;
#define GIVEN void *mem = (void *)sf;

#define KEEP
#define DISCARD bpf_ringbuf_discard(mem, 0);

/* What is loaded has to be in a struct. */
#define IN_STRUCT(program, operation)                              \
	SEC(".struct_ops")                                         \
	struct mptcp_pm_ops ops_##program = {                      \
		.operation = (void *)program,                      \
		.name = "opsargs",                                 \
	};

#define PROGRAM(function, kind, after)                             \
	SEC("struct_ops/subflow_established")                      \
	void BPF_PROG(function##_##kind, struct mptcp_sock *msk,   \
		      const struct bpf_mptcp_subflow *sf)          \
	{                                                          \
		kind                                               \
		if (function(mem, ROOM) < 0 && msk->token)         \
			counts.refused++;                          \
		after                                              \
	}                                                          \
	IN_STRUCT(function##_##kind, subflow_established)

#define EVERY(function)                                            \
	PROGRAM(function, STACK, KEEP)                             \
	PROGRAM(function, VALUE, KEEP)                             \
	PROGRAM(function, UNTESTED, KEEP)                          \
	PROGRAM(function, NOTHING, KEEP)                           \
	PROGRAM(function, CONSTANT, KEEP)                          \
	PROGRAM(function, RING, DISCARD)                           \
	PROGRAM(function, SESSION, KEEP)                           \
	PROGRAM(function, GIVEN, KEEP)

EVERY(OPEN)
EVERY(ANNOUNCE)
EVERY(SCHEDULER)

/* Each function with a session that is none. */
#define WITH(name, pointer)                                        \
	SEC("struct_ops/established")                              \
	void BPF_PROG(CLOSE_##name, struct mptcp_sock *msk)        \
	{                                                          \
		struct mptcp_sock *other = (void *)(pointer);      \
                                                                   \
		if (bpf_mptcp_pm_close(other, 7) && msk->token)    \
			counts.refused++;                          \
	}                                                          \
	IN_STRUCT(CLOSE_##name, established)

WITH(ITSELF, msk)
WITH(NULL, NULL)
WITH(WALKED, ((struct mptcp_sock___first *)msk)->first)
WITH(CONSTANT, constant)
WITH(MOVED, (char *)msk + 8)

/* In softirq, where the session is not locked. */
#define IN_SOFTIRQ(name, call)                                     \
	SEC("struct_ops/accept_new_subflow")                       \
	bool BPF_PROG(SOFTIRQ_##name, struct mptcp_sock *msk)      \
	{                                                          \
		struct bpf_mptcp_subflow sf = {};                  \
                                                                   \
		call;                                              \
		return msk->token + sf.id;                         \
	}                                                          \
	IN_STRUCT(SOFTIRQ_##name, accept_new_subflow)

IN_SOFTIRQ(NONE, (void)sf)
IN_SOFTIRQ(OPEN, bpf_mptcp_pm_open(msk, &sf, sizeof(sf)))
IN_SOFTIRQ(CLOSE, bpf_mptcp_pm_close(msk, 1))
IN_SOFTIRQ(TIMER, bpf_mptcp_pm_timer(msk, 1))
IN_SOFTIRQ(ANNOUNCE, bpf_mptcp_pm_announce(msk, &sf.local, sizeof(sf.local)))
IN_SOFTIRQ(WITHDRAW, bpf_mptcp_pm_withdraw(msk, 1))
IN_SOFTIRQ(BACKUP, bpf_mptcp_pm_set_backup(msk, 1, 1))
IN_SOFTIRQ(SCHEDULER, bpf_mptcp_pm_set_scheduler(msk, &sf, sizeof(sf)))
IN_SOFTIRQ(IDLE, bpf_mptcp_pm_set_idle_timeout(msk, 1))

/* Where there is no session at all. */
SEC("sockops")
int elsewhere(struct bpf_sock_ops *skops)
{
	struct mptcp_sock *msk = mptcp_sock_of(skops);

	return msk && !bpf_mptcp_pm_close(msk, 1);
}

static __always_inline int call_one(struct mptcp_sock *msk, __u32 which, struct value *v)
{
	__u32 number = bpf_get_prandom_u32();

	switch (which) {
	case 0:
		return bpf_mptcp_pm_open(msk, (void *)v, ROOM);
	case 1:
		return bpf_mptcp_pm_announce(msk, (void *)v, 24);
	case 2:
		return bpf_mptcp_pm_set_scheduler(msk, v, number % ROOM);
	case 3:
		return bpf_mptcp_pm_close(msk, number % 32);
	case 4:
		return bpf_mptcp_pm_withdraw(msk, number % 300);
	case 5:
		return bpf_mptcp_pm_set_backup(msk, number % 8, number >> 29);
	case 6:
		/* Longer than the test, or no session would be left. */
		return bpf_mptcp_pm_set_idle_timeout(msk, number | 1 << 20);
	default:
		bpf_mptcp_pm_timer(msk, number % 16 ? number % 64 : number);
		return 0;
	}
}

static __noinline int storm(struct mptcp_sock *msk)
{
	struct bpf_mptcp_subflow *sf;
	struct value *v;
	__u32 zero = 0;

	v = bpf_map_lookup_elem(&values, &zero);
	if (!v || counts.quiet)
		return 0;
	counts.operations++;
	for (int i = 0; i < CALLS; i++) {
		if (call_one(msk, bpf_get_prandom_u32() % 8, v) < 0)
			counts.refused++;
		else
			counts.done++;
	}
	/* In the midst of the list, too. */
	bpf_for_each(mptcp_subflow, sf, msk) {
		if (!(bpf_get_prandom_u32() % 32))
			bpf_mptcp_pm_close(msk, sf->id);
	}
	return msk->token;
}

#define STORM(operation)                                           \
	SEC("struct_ops/" #operation)                              \
	void BPF_PROG(operation, struct mptcp_sock *msk)           \
	{                                                          \
		storm(msk);                                        \
	}

STORM(established)
STORM(subflow_established)
STORM(subflow_closed)
STORM(subflow_priority)
STORM(add_addr_received)
STORM(rm_addr_received)
STORM(local_addr)
STORM(announced)
STORM(data_received)
STORM(timer)

SEC(".struct_ops")
struct mptcp_pm_ops operations = {
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
	.name = "storm",
};

PM_NAME("storm");

SEC("sockops")
int claim(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_MPTCP_NEW_SESSION)
		pm_choose(skops);
	return 1;
}

char _license[] SEC("license") = "GPL";
