// SPDX-License-Identifier: GPL-2.0
// Runs on any kernel with sock_ops; has a parameter of every kind and an
// iterator that counts its runs.
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#define TAG(text) __attribute__((btf_decl_tag("tcpopt:" text)))

enum color { RED, GREEN = 5, BLUE = 7 };

struct params {
	__u32 timeout TAG("min=1") TAG("max=300") TAG("default=30") TAG("unit=s")
		TAG("help=how long");
	__s16 offset TAG("min=-5") TAG("max=5");
	__u64 big;
	__s64 wide;
	__u8 tiny;
	bool enabled TAG("default=1") TAG("min=0") TAG("max=1"); /* as TCPOPT_PARAM has it */
	enum color color TAG("default=GREEN");
	char label[16] TAG("default=none");
	__u32 _generation;
	struct {
		void *anything;
	} _private;
};

struct stats {
	__u64 established;
	__u64 walked;
	__u64 walks;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct params);
} params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stats);
} stats SEC(".maps");

#define COUNT(member)                                                            \
	do {                                                                     \
		__u32 zero_ = 0;                                                 \
		struct stats *stats_ = bpf_map_lookup_elem(&stats, &zero_);      \
		if (stats_)                                                      \
			stats_->member++;                                        \
	} while (0)

SEC("sockops")
TAG("help=a sample")
int sample(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;

	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && bpf_map_lookup_elem(&params, &zero))
		COUNT(established);
	return 1;
}

struct bpf_iter__tcp {
	void *meta;
	void *sk_common;
} __attribute__((preserve_access_index));

SEC("iter/tcp")
int sample_walk(struct bpf_iter__tcp *ctx)
{
	if (ctx->sk_common)
		COUNT(walked);
	else
		COUNT(walks); /* the last call of each walk has no socket */
	return 0;
}

char _license[] SEC("license") = "GPL";
