// SPDX-License-Identifier: GPL-2.0
// The verifier refuses it on any kernel: the context is not that large.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("sockops")
int refused(struct bpf_sock_ops *skops)
{
	return *(volatile int *)((char *)skops + 4096);
}

char _license[] SEC("license") = "GPL";
