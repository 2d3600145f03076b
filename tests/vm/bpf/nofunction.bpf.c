// SPDX-License-Identifier: GPL-2.0
/* Calls a kernel function that no kernel has, and does not ask before. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_tcpopt_no_such_function(struct bpf_sock_ops *skops) __ksym;

SEC("sockops")
int nofunction(struct bpf_sock_ops *skops)
{
	bpf_tcpopt_no_such_function(skops);
	return 1;
}

char _license[] SEC("license") = "GPL";
