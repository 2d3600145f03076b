// SPDX-License-Identifier: GPL-2.0
/* The example of the netdev 0x13 paper in our words: ask for an initial window
 * of 20 segments, in a made-up kind, until the first data has come in. It uses
 * the interface exactly as the paper's Listing 1 does; tests/paper-listing runs
 * the printed one.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"

struct window_option {
	__u8 kind;
	__u8 len;
	__u16 segments;
};

SEC("sockops")
int initial_window(struct bpf_sock_ops *skops)
{
	struct window_option want = { .kind = 66, .len = 4, .segments = 20 };
	int answer = 0;

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		answer = bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		if (skops->args[1] + sizeof(want) <= 40)
			answer = sizeof(want);
		break;
	case BPF_TCP_OPTIONS_WRITE:
		memcpy(&answer, &want, sizeof(answer));
		if (skops->data_segs_in > 1)
			bpf_sock_ops_cb_flags_set(skops, 0);
		break;
	default:
		answer = -1;
	}
	skops->reply = answer;
	return 1;
}

char _license[] SEC("license") = "GPL";
