// SPDX-License-Identifier: GPL-2.0
/* The least that a path manager can be: one further subflow for each session. */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_mptcp.h"

SEC("sockops")
int onemore(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_MPTCP_FULLY_ESTABLISHED && skops->args[1])
		bpf_open_subflow(skops, NULL, 0, NULL, 0);
	return 1;
}

char _license[] SEC("license") = "GPL";
