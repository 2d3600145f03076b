// SPDX-License-Identifier: GPL-2.0
/* Three lists as long as lists may be: full, they are more than a message holds. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "../../../bpf-progs/tcpopt_param.h"

#define LIST(name)                                                  \
	struct {                                                    \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                \
		__uint(max_entries, 1024);                          \
		__uint(map_flags, BPF_F_NO_PREALLOC);               \
		__type(key, struct tcpopt_prefix);                  \
		__type(value, __u32);                               \
	} name SEC(".maps") TCPOPT_MAP_PARAM("prefixes", "a list")

LIST(first);
LIST(second);
LIST(third);

SEC("sockops")
int manylists(struct bpf_sock_ops *skops)
{
	struct tcpopt_prefix key = { .bits = skops->family };

	bpf_map_lookup_elem(&first, &key);
	bpf_map_lookup_elem(&second, &key);
	bpf_map_lookup_elem(&third, &key);
	return 1;
}

char _license[] SEC("license") = "GPL";
