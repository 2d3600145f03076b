// SPDX-License-Identifier: GPL-2.0
/* When sessions of this host's clients are established and when they are joined.
 *
 * In the kernel, because a path manager is a matter of microseconds: a packet
 * socket or an event would cost as much as what is measured. All path managers
 * are watched alike, and so is the session without one.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "joins.h"

#define OPTION_MPTCP 30
#define SUBTYPE_JOIN 1
#define OPTIONS_MAX 40

struct mptcp_pm_data {
	__u8 server_side;
} __attribute__((preserve_access_index));

struct mptcp_sock {
	__u32 token;
	struct mptcp_pm_data pm;
} __attribute__((preserve_access_index));

struct mptcp_subflow_context {
	struct mptcp_sock *conn;
} __attribute__((preserve_access_index));

struct sock;

struct inet_connection_sock {
	void *icsk_ulp_data;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct sock *sk;
	unsigned char *head;
	__u16 transport_header;
	__be16 protocol;
} __attribute__((preserve_access_index));

/* The one global: .bss. What was joined in all, to see when it is over. */
__u64 joins;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BENCH_SESSIONS_MAX);
	__type(key, __u32);
	__type(value, struct bench_session);
} sessions SEC(".maps");

SEC("fentry/mptcp_pm_fully_established")
int established(unsigned long long *ctx)
{
	const struct mptcp_sock *msk = (void *)ctx[0];
	struct bench_session session = { .established = bpf_ktime_get_ns() };
	__u32 token = msk->token;

	/* Only the first time: it is called again for later segments. */
	if (!msk->pm.server_side)
		bpf_map_update_elem(&sessions, &token, &session, BPF_NOEXIST);
	return 0;
}

static __always_inline int is_join(const __u8 *tcp, __u32 length)
{
	/* A power of two, so that the verifier sees that an index fits. */
	__u8 option[OPTIONS_MAX + 24] = {};
	__u64 at = 0;

	if (length > OPTIONS_MAX)
		length = OPTIONS_MAX;
	if (bpf_probe_read_kernel(option, length, tcp + sizeof(struct tcphdr)))
		return 0;
	for (int i = 0; i < OPTIONS_MAX && at < OPTIONS_MAX; i++) {
		__u8 kind = option[at & 63], size = option[(at + 1) & 63];

		if (kind == OPTION_MPTCP)
			return option[(at + 2) & 63] >> 4 == SUBTYPE_JOIN;
		if (!kind)
			return 0;
		if (kind == 1)
			size = 1;
		else if (size < 2)
			return 0;
		at += size;
	}
	return 0;
}

/* The last step before the driver has the packet. */
SEC("tp_btf/net_dev_start_xmit")
int sent(unsigned long long *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	struct mptcp_subflow_context *subflow;
	struct bench_session *session;
	struct tcphdr tcp = {};
	struct mptcp_sock *msk;
	struct sock *sk = skb->sk;
	__u8 *header;
	__u32 token;

	if (!sk || skb->protocol != bpf_htons(ETH_P_IP))
		return 0;
	header = skb->head + skb->transport_header;
	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), header) || !tcp.syn || tcp.ack ||
	    !is_join(header, (tcp.doff - 5) * 4))
		return 0;
	subflow = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_ulp_data);
	msk = BPF_CORE_READ(subflow, conn);
	token = BPF_CORE_READ(msk, token);
	session = bpf_map_lookup_elem(&sessions, &token);
	if (!session)
		return 0;
	if (!session->syns++)
		session->first_syn = bpf_ktime_get_ns();
	return 0;
}

/* Also called on the server, whose tokens are not in the map. */
SEC("fentry/mptcp_pm_subflow_established")
int joined(unsigned long long *ctx)
{
	const struct mptcp_sock *msk = (void *)ctx[0];
	__u32 token = msk->token;
	struct bench_session *session = bpf_map_lookup_elem(&sessions, &token);

	if (!session)
		return 0;
	if (!session->subflows++)
		session->joined = bpf_ktime_get_ns();
	__sync_fetch_and_add(&joins, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
