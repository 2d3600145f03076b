// SPDX-License-Identifier: GPL-2.0
// The verifier refuses it: bpf_mptcp_wake_all() is for iterators, as this one could run
// while the locks that it takes are held.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../../../bpf-progs/tcpopt_mptcp.h"

SEC("fentry/mptcp_pm_connection_closed")
int anywhere(void *ctx __attribute__((unused)))
{
	return bpf_mptcp_wake_all() < 0;
}

char _license[] SEC("license") = "GPL";
