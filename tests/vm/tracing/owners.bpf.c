// SPDX-License-Identifier: GPL-2.0
/* Programs that take each other's place, or come one after the other. */
#include "../../../bpf-progs/tcpopt.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

#define RESULT_PARSED 0 /* options that `after` was given */
#define RESULT_SLOT 1 /* the last result of `slot` and its calls */
#define RESULT_SLOTS 2
#define RESULT_SET 3 /* of `flags`: setsockopt with an unknown bit, */
#define RESULT_BEFORE 4 /* flags before, */
#define RESULT_AFTER 5 /* and after */
#define RESULT_OTHER 6 /* what `other` sees */

static __always_inline void result(__u32 i, __u64 value, int add)
{
	__u64 *at = bpf_map_lookup_elem(&results, &i);

	if (at)
		*at = value + (add ? *at : 0);
}

SEC("sockops")
int before(struct bpf_sock_ops *skops)
{
	__u8 opt[] = {253, 6, 0xbe, 0xef, 1, 2};

	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		bpf_tcp_option_set(skops, opt, sizeof(opt), BPF_TCP_OPTION_ON_DATA, 0);
		bpf_tcp_option_watch(skops, 253, 0xbeef);
	}
	return 1;
}

/* Knows of no connection. */
SEC("sockops")
int after(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_TCP_PARSE_OPTIONS)
		result(RESULT_PARSED, 1, 1);
	return 1;
}

/* At each RTT sample: the option that the last result says. */
SEC("sockops")
int slot(struct bpf_sock_ops *skops)
{
	__u8 opt[] = {253, 4, 0, 0};
	__u32 key = RESULT_SLOTS;
	__u64 *nr = bpf_map_lookup_elem(&results, &key);

	if (!nr)
		return 1;
	opt[2] = 1;
	opt[3] = *nr;
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		result(RESULT_SLOT,
		       bpf_tcp_option_set(skops, opt, sizeof(opt), BPF_TCP_OPTION_ON_DATA, 0), 0);
		break;
	}
	return 1;
}

SEC("sockops")
int flags(struct bpf_sock_ops *skops)
{
	int val = BPF_SOCK_OPS_OPTION_WRITE_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG | 1 << 24;
	int now = 0;

	if (skops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		return 1;
	bpf_getsockopt(skops, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &now, sizeof(now));
	result(RESULT_BEFORE, now, 0);
	result(RESULT_SET, bpf_setsockopt(skops, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &val,
					  sizeof(val)), 0);
	bpf_getsockopt(skops, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &now, sizeof(now));
	result(RESULT_AFTER, now, 0);
	val &= ~(1 << 24 | BPF_SOCK_OPS_RTT_CB_FLAG);
	bpf_setsockopt(skops, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &val, sizeof(val));
	return 1;
}

/* Attached behind `flags`. */
SEC("sockops")
int other(struct bpf_sock_ops *skops)
{
	int now = 0;

	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		bpf_getsockopt(skops, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &now, sizeof(now));
		result(RESULT_OTHER, now, 0);
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
