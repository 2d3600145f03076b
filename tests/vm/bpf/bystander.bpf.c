// SPDX-License-Identifier: GPL-2.0
/* A program that never heard of our callbacks and answers -1, the usual way,
 * and that switches callbacks of upstream's on and off.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("sockops")
int bystander(struct bpf_sock_ops *skops)
{
	if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_STATE_CB_FLAG);
	skops->reply = -1;
	return 1;
}

char _license[] SEC("license") = "GPL";
