// SPDX-License-Identifier: GPL-2.0
// A path manager of struct_ops, and with one of the macros below one that the loader
// must refuse, see CMakeLists.txt.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct mptcp_pm_ops {
	void (*established)(void *msk);
	char name[16];
};

#ifndef MANAGER_WITHOUT_NAME
const volatile char pm_name[16] = "sample";
#else
const volatile char other[16] = "sample";
#define pm_name other
#endif

#ifndef MANAGER_WITHOUT_FUNCTIONS
SEC("struct_ops/established")
int established(unsigned long long *ctx)
{
	return ctx[0] != 0;
}
#endif

#ifndef MANAGER_WITHOUT_STRUCT
SEC(".struct_ops")
struct mptcp_pm_ops operations = {
#ifndef MANAGER_WITHOUT_FUNCTIONS
	.established = (void *)established,
#endif
	.name = "sample",
};
#endif

#ifdef MANAGER_TWICE
SEC(".struct_ops")
struct mptcp_pm_ops others = {
	.established = (void *)established,
	.name = "other",
};
#endif

SEC("sockops")
int choose(struct bpf_sock_ops *skops)
{
	return pm_name[skops->op & 1];
}

char _license[] SEC("license") = "GPL";
