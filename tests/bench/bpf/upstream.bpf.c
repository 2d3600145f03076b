// SPDX-License-Identifier: GPL-2.0
/* The option through mainline's hooks (5.10), and a program that asks for nothing. */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include <linux/tcp.h>
#include "option.h"

SEC("sockops")
int idle(struct bpf_sock_ops *skops __attribute__((unused)))
{
	return 1;
}

static __always_inline void store_request(struct bpf_sock_ops *skops)
{
	if (bpf_store_hdr_opt(skops, bench_request, sizeof(bench_request), 0))
		counts.failed++;
	else
		counts.requests++;
}

SEC("sockops")
int write(struct bpf_sock_ops *skops)
{
	__u32 word = bpf_htonl(BENCH_WORD);

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		if (bpf_reserve_hdr_opt(skops, BENCH_LENGTH, 0))
			counts.failed++;
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		if (bpf_store_hdr_opt(skops, &word, sizeof(word), 0))
			counts.failed++;
		break;
	}
	return 1;
}

/* Runs for every segment. The room is in the MSS all the time, so that it is
 * there when a request begins.
 */
SEC("sockops")
int request(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		if (skops->args[0] != BPF_WRITE_HDR_TCP_CURRENT_MSS &&
		    !bench_request_starts(skops))
			break;
		if (bpf_reserve_hdr_opt(skops, BENCH_REQUEST_LENGTH, 0))
			counts.failed++;
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		store_request(skops);
		break;
	}
	return 1;
}

/* Runs for the first segment only: asks for it when the request before it is being
 * acknowledged.
 */
SEC("sockops")
int request_toggled(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_RTT_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG |
						 BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		if (skops->args[0] != BPF_WRITE_HDR_TCP_CURRENT_MSS && !skops->skb_len)
			break;
		if (bpf_reserve_hdr_opt(skops, BENCH_REQUEST_LENGTH, 0))
			counts.failed++;
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		store_request(skops);
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	}
	return 1;
}

static __always_inline int receive(struct bpf_sock_ops *skops)
{
	__u8 opt[BENCH_LENGTH] = { BENCH_KIND };
	int length;

	switch (skops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		length = bpf_load_hdr_opt(skops, opt, sizeof(opt), 0);
		BENCH_PARSED(opt, length);
		return 1;
	}
	return 0;
}

SEC("sockops")
int parse(struct bpf_sock_ops *skops)
{
	receive(skops);
	return 1;
}

SEC("sockops")
int parse_and_set(struct bpf_sock_ops *skops)
{
	if (receive(skops))
		bench_get_and_set(skops);
	return 1;
}

char _license[] SEC("license") = "GPL";
