// SPDX-License-Identifier: GPL-2.0
/* A second program beside optest: an option of its own, and an answer of -1 to
 * all that it does not know, as programs written before these callbacks give.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"

SEC("sockops")
int second(struct bpf_sock_ops *skops)
{
	int reply = -1;

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG);
		break;
	case BPF_TCP_OPTIONS_SIZE_CALC:
		reply = 6;
		break;
	case BPF_TCP_OPTIONS_WRITE:
		if (skops->args[1] == 6) {
			reply = bpf_htonl(0xfd06beef);
			TCPOPT_REPLY(skops, 1, bpf_htonl(0x22220000));
		}
		break;
	}
	TCPOPT_REPLY(skops, 0, reply);
	return 1;
}

char _license[] SEC("license") = "GPL";
