// SPDX-License-Identifier: GPL-2.0
// Parameters that are maps, and one that needs a feature. Runs on any kernel
// with sock_ops: counts connections by what its lists say of them.
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_param.h"

struct params {
	TCPOPT_PARAM_ALGORITHM(request, "what to count connections of");
	TCPOPT_PARAM_NEEDS("tcp-option-calls", __u32, modern, "", 0, 9, 4, "not on stock kernels");
	TCPOPT_PARAM(__u32, exid, "", 0, 0xffffffff, 0x7463, "an experiment id");
	__u32 _generation;
};

struct stats {
	__u64 trusted; /* connections to peers inside of `prefixes` */
	__u64 strange; /* to others */
	__u64 allowed; /* made while `request` was on the list `allow` */
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

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tcpopt_prefix);
	__type(value, __u32);
} prefixes SEC(".maps") TCPOPT_MAP_PARAM("prefixes", "peers to trust");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct tcpopt_algorithm);
} algorithms SEC(".maps") TCPOPT_MAP_PARAM_KEY("algorithms", "allow", "what is allowed");

SEC("sockops")
TCPOPT_HELP("lists as parameters")
TCPOPT_REQUIRES("tcp-option-calls|tcp-header-options")
int lists(struct bpf_sock_ops *skops)
{
	struct tcpopt_prefix peer = {.bits = 128};
	struct tcpopt_algorithm *algorithm;
	struct params *values;
	struct stats *counts;
	__u32 zero = 0;

	if (skops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		return 1;
	values = bpf_map_lookup_elem(&params, &zero);
	counts = bpf_map_lookup_elem(&stats, &zero);
	if (!values || !counts)
		return 1;
	if (skops->family == 2) {
		__u32 address = skops->remote_ip4;

		memset(peer.addr + 10, 0xff, 2);
		memcpy(peer.addr + 12, &address, 4);
	} else {
		__u32 words[4] = {skops->remote_ip6[0], skops->remote_ip6[1],
				  skops->remote_ip6[2], skops->remote_ip6[3]};

		memcpy(peer.addr, words, 16);
	}
	if (bpf_map_lookup_elem(&prefixes, &peer))
		counts->trusted++;
	else
		counts->strange++;
	algorithm = bpf_map_lookup_elem(&algorithms, &values->request);
	if (algorithm && algorithm->allowed)
		counts->allowed++;
	return 1;
}

char _license[] SEC("license") = "GPL";
