/* SPDX-License-Identifier: GPL-2.0 */
/* A call that gives the kernel memory which may be none; tests/vm/test_pm_faults.py. */
#ifndef TCPOPT_NULLARG_H
#define TCPOPT_NULLARG_H

#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_mptcp.h"
#include "../../../bpf-progs/tcpopt_mptcp_option.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[64]);
} none SEC(".maps");

#define NULLARG(call)                                        \
	SEC("sockops")                                       \
	int nullarg(struct bpf_sock_ops *skops)              \
	{                                                    \
		__u32 key = 0;                               \
		void *at = bpf_map_lookup_elem(&none, &key); \
                                                             \
		return (call) == 0;                          \
	}                                                    \
	char _license[] SEC("license") = "GPL"

#endif
