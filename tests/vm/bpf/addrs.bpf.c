// SPDX-License-Identifier: GPL-2.0
// Local addresses as the loader tells of them. Runs on any kernel with sock_ops,
// ring buffers and cookies of network namespaces: counts connections by whether
// those of their namespace are known, and the walks of its iterator.
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_addr.bpf.h"

struct stats {
	__u64 known;
	__u64 unknown;
	__u64 walks;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stats);
} stats SEC(".maps");

TCPOPT_LOCAL_ADDR_MAPS;
TCPOPT_LOCAL_ADDR_LISTS;

#define COUNT(member)                                                            \
	do {                                                                     \
		__u32 zero_ = 0;                                                 \
		struct stats *stats_ = bpf_map_lookup_elem(&stats, &zero_);      \
		if (stats_)                                                      \
			stats_->member++;                                        \
	} while (0)

SEC("sockops")
TCPOPT_HELP("is told of local addresses")
int addrs(struct bpf_sock_ops *skops)
{
	if (skops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		return 1;
	if (tcpopt_local_addrs(skops))
		COUNT(known);
	else
		COUNT(unknown);
	return 1;
}

SEC("iter/tcp")
int addrs_walk(struct bpf_iter__tcp *ctx)
{
	if (!ctx->sk_common)
		COUNT(walks); /* the last call of each walk has no socket */
	return 0;
}

char _license[] SEC("license") = "GPL";
