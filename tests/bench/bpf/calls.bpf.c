// SPDX-License-Identifier: GPL-2.0
/* The option through the kfuncs: bytes given with the size in one run, a template
 * that the kernel writes, and receivers that are called for what they watch.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include <linux/tcp.h>
#include "option.h"

SEC("sockops")
int one_run(struct bpf_sock_ops *skops)
{
	__u32 word = bpf_htonl(BENCH_WORD);

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG))
			counts.failed++;
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		if (bpf_tcp_option_store(skops, &word, sizeof(word)) < 0)
			counts.failed++;
		break;
	case BPF_TCP_OPTIONS_WRITE: /* the second run that is not to be */
		counts.failed++;
		break;
	}
	return 1;
}

SEC("sockops")
int template(struct bpf_sock_ops *skops)
{
	__u32 word = bpf_htonl(BENCH_WORD);

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (bpf_tcp_option_set(skops, &word, sizeof(word), BPF_TCP_OPTION_ON_DATA, 0) < 0)
			counts.failed++;
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
	case BPF_TCP_OPTIONS_WRITE:
		counts.failed++;
		break;
	}
	return 1;
}

static __always_inline void store_request(struct bpf_sock_ops *skops)
{
	if (bpf_tcp_option_store(skops, bench_request, sizeof(bench_request)) < 0)
		counts.failed++;
	else if (skops->skb_len)
		counts.requests++;
}

/* To be run for segments, and once a round trip: when a request is being
 * acknowledged.
 */
static __always_inline void ask(struct bpf_sock_ops *skops)
{
	if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG |
					     BPF_SOCK_OPS_OPTION_WRITE_FLAG))
		counts.failed++;
}

/* Runs for every segment, and for the MSS. */
SEC("sockops")
int one_run_request(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG))
			counts.failed++;
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		if (skops->args[3] == BPF_WRITE_HDR_TCP_CURRENT_MSS ||
		    bench_request_starts(skops))
			store_request(skops);
		break;
	}
	return 1;
}

/* Runs for the first segment only, as upstream's of that name. */
SEC("sockops")
int one_run_request_toggled(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_RTT_CB:
		ask(skops);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		if (skops->args[3] != BPF_WRITE_HDR_TCP_CURRENT_MSS && !skops->skb_len)
			break;
		store_request(skops);
		/* One group of flags is cleared with the other one or not at all */
		if (skops->skb_len &&
		    (bpf_sock_ops_cb_flags_set(skops, 0) ||
		     bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG)))
			counts.failed++;
		break;
	}
	return 1;
}

/* Set for the next request when the one before it is being acknowledged: no program
 * runs for a segment.
 */
SEC("sockops")
int template_request(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG))
			counts.failed++;
		/* fallthrough */
	case BPF_SOCK_OPS_RTT_CB:
		if (bpf_tcp_option_set(skops, bench_request, sizeof(bench_request),
				       BPF_TCP_OPTION_ON_DATA, 1) < 0)
			counts.failed++;
		else
			counts.requests++;
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
	case BPF_TCP_OPTIONS_WRITE:
		counts.failed++;
		break;
	}
	return 1;
}

static __always_inline int receive(struct bpf_sock_ops *skops, __u32 kind, __u32 exid)
{
	__u8 opt[BENCH_LENGTH];
	int length;

	switch (skops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (bpf_tcp_option_watch(skops, kind, exid) < 0)
			counts.failed++;
		break;
	case BPF_TCP_PARSE_OPTIONS:
		length = bpf_tcp_option_load(skops, opt, sizeof(opt));
		BENCH_PARSED(opt, length);
		return 1;
	}
	return 0;
}

SEC("sockops")
int watch(struct bpf_sock_ops *skops)
{
	receive(skops, BENCH_KIND, 0);
	return 1;
}

SEC("sockops")
int watch_other(struct bpf_sock_ops *skops)
{
	receive(skops, BENCH_OTHER_KIND, BENCH_OTHER_EXID);
	return 1;
}

SEC("sockops")
int watch_and_set(struct bpf_sock_ops *skops)
{
	if (receive(skops, BENCH_KIND, 0))
		bench_get_and_set(skops);
	return 1;
}

/* The value as it comes in args[], without a call for it. */
SEC("sockops")
int watch_args(struct bpf_sock_ops *skops)
{
	switch (skops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (bpf_tcp_option_watch(skops, BENCH_KIND, 0) < 0)
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
