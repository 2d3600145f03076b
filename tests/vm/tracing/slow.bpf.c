// SPDX-License-Identifier: GPL-2.0
// Takes its time where the kernel is in a hurry, so that what another CPU does in
// between comes first each time: a timer of weeks is armed for an MPTCP session, or a
// connection is put into the accept queue. And counts the sessions that are freed.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define IPPROTO_MPTCP 262
#define PORT 7100

struct sock_common {
	unsigned short skc_num;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_protocol;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps"); // timers, connections, sessions freed

static __always_inline void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static __noinline long nothing(__u32 i, void *ctx)
{
	return (long)ctx & i & 1;
}

SEC("fentry/sk_reset_timer")
int slow_timer(unsigned long long *args) // socket, timer, when
{
	const struct sock *sk = (void *)args[0];

	if (sk->sk_protocol != IPPROTO_MPTCP || args[2] - bpf_jiffies64() < 1UL << 28)
		return 0;
	count(0);
	bpf_loop(1 << 23, nothing, NULL, 0);
	return 0;
}

SEC("fentry/inet_csk_complete_hashdance")
int slow_queue(unsigned long long *args) // listener, child, request
{
	const struct sock *sk = (void *)args[0];

	if (sk->__sk_common.skc_num != PORT)
		return 0;
	count(1);
	bpf_loop(1 << 23, nothing, NULL, 0);
	return 0;
}

SEC("fentry/sk_destruct")
int freed(unsigned long long *args) // socket
{
	const struct sock *sk = (void *)args[0];

	if (sk->sk_protocol == IPPROTO_MPTCP)
		count(2);
	return 0;
}

char _license[] SEC("license") = "GPL";
