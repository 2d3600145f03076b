// SPDX-License-Identifier: GPL-2.0
/* A program of others that wants upstream's header option callback for every segment,
 * and counts it: as katran's does on a stock kernel.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct stats {
	__u64 calls;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stats);
} stats SEC(".maps");

SEC("sockops")
int eachsegment(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;
	struct stats *counted;

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags |
						 BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		counted = bpf_map_lookup_elem(&stats, &zero);
		if (counted)
			counted->calls++;
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
