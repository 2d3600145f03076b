// SPDX-License-Identifier: GPL-2.0
/* The option through the papers' hooks: the program runs for the size and again
 * for the bytes, and the receiver's for every option that the stack does not know.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include <linux/tcp.h>
#include "option.h"

SEC("sockops")
int two_run(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG))
			counts.failed++;
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		TCPOPT_REPLY(skops, 0, BENCH_LENGTH);
		break;
	case BPF_TCP_OPTIONS_WRITE:
		TCPOPT_REPLY(skops, 0, bpf_htonl(BENCH_WORD));
		break;
	}
	return 1;
}

SEC("sockops")
int parse(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_PARSE_FLAG))
			counts.failed++;
		break;
	case BPF_TCP_PARSE_OPTIONS:
		if (skops->args[1] == BENCH_KIND && skops->args[2] == BENCH_LENGTH &&
		    bpf_ntohl(skops->args[3]) == BENCH_VALUE << 16)
			counts.parsed++;
		else
			counts.failed++;
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
