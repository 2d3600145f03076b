// SPDX-License-Identifier: GPL-2.0
/* What one program does to another on the same socket. */
#include "../../../bpf-progs/tcpopt.bpf.h"

#define SPOILT 77

/* Read and written by test_options_others.py, in this order. */
struct others {
	__s32 watched; /* what the calls returned */
	__s32 set;
	__s32 stored;
	__u32 state; /* that `told` was told of, and `spoils` has overwritten */
	__u32 go; /* 1: `sets` or `leaves` is to begin, 2: it did; 3: `leaves` may go on, 4: it did */
};
struct others others;

/* An experiment of 32 bits. */
SEC("sockops")
int watches(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		others.watched = bpf_tcp_option_watch(skops, 254, 0x12345678);
	return 1;
}

/* One of 16 bits, which begins in the same way. */
SEC("sockops")
int sets(struct bpf_sock_ops *skops)
{
	__u8 opt[] = {254, 4, 0x12, 0x34};

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		if (others.go != 1)
			break;
		others.set = bpf_tcp_option_set(skops, opt, sizeof(opt), BPF_TCP_OPTION_ON_DATA,
						0);
		others.go = 2;
		break;
	}
	return 1;
}

/* The same, without owning it. */
SEC("sockops")
int stores(struct bpf_sock_ops *skops)
{
	__u8 opt[] = {254, 4, 0x12, 0x34};

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		if (others.go == 2 && skops->skb_len)
			others.stored = bpf_tcp_option_store(skops, opt, sizeof(opt));
		break;
	}
	return 1;
}

SEC("sockops")
int spoils(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_STATE_CB_FLAG);
	if (skops->op == BPF_SOCK_OPS_STATE_CB)
		skops->replylong[1] = SPOILT;
	return 1;
}

SEC("sockops")
int told(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_SOCK_OPS_STATE_CB)
		others.state = skops->args[1];
	return 1;
}

static long wait_for_3(__u32 i, void *ctx)
{
	(void)i;
	(void)ctx;
	return *(volatile __u32 *)&others.go == 3;
}

/* Is detached in the midst of a callback, and then watches what it has a template of. */
SEC("sockops")
int leaves(struct bpf_sock_ops *skops)
{
	__u8 opt[] = {253, 6, 0xbe, 0xef, 1, 2};

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_RTT_CB_FLAG);
		others.set = bpf_tcp_option_set(skops, opt, sizeof(opt), BPF_TCP_OPTION_ON_DATA,
						0);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		if (others.go != 1)
			break;
		others.go = 2;
		bpf_loop(1 << 23, wait_for_3, NULL, 0);
		others.watched = bpf_tcp_option_watch(skops, 253, 0xbeef);
		others.go = 4;
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
