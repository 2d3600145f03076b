// SPDX-License-Identifier: GPL-2.0
/* What a program should not do, and the verifier lets it do. */
#include "../../../bpf-progs/tcpopt_maps.h"
#include "../../../bpf-progs/tcpopt_mptcp.h"
#include "../../../bpf-progs/tcpopt_mptcp_option.h"
#include "pmfault.h"

#define AF_INET 2
#define SOL_SOCKET 1
#define SO_MARK 36
#define TCP_BPF_SYN 1005
#define EXID 0xfa17

TCPOPT_MAPS(pmfault);

struct mptcp_sched_ops {
	char name[16];
} __attribute__((preserve_access_index));

struct mptcp_sock {
	struct mptcp_sched_ops *sched;
} __attribute__((preserve_access_index));

/* Sessions that were closed, until their token is another one's. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} over SEC(".maps");

struct pmfault_in {
	__u16 family;
	__be16 port;
	__be32 addr;
	__u8 zero[8];
};

/* From the port of the subflow that there is. */
static __always_inline void pmfault_open(struct bpf_sock_ops *skops)
{
	struct pmfault_in src = { .family = AF_INET, .port = bpf_htons(skops->local_port) };

	if (!bpf_open_subflow(skops, &src, sizeof(src), NULL, 0))
		TCPOPT_COUNT(asked);
}

/* The token of no session. */
static __always_inline void pmfault_none(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;
	void *none = bpf_map_lookup_elem(&over, &zero);

	if (bpf_open_subflow(skops, none, sizeof(__u32), NULL, 0) == -22)
		TCPOPT_COUNT(refused);
	if (bpf_open_subflow(skops, NULL, 0, none, sizeof(__u32)) == -22)
		TCPOPT_COUNT(refused);
}

static __always_inline void pmfault_send(struct bpf_sock_ops *skops)
{
	__u8 opt[] = { 0xf0, EXID >> 8, EXID & 0xff };

	bpf_mptcp_option_send(skops, 0, opt, sizeof(opt), 0);
}

/* skops->sk is none of TCP's then. */
static __always_inline void pmfault_helpers(struct bpf_sock_ops *skops)
{
	__u8 syn[60] = {}, opt[40] = { 2 };
	__u32 reached = 0, other = 0, zero = 0;
	struct pmfault_stats *s = bpf_map_lookup_elem(&stats, &zero);
	int mark = 1;

	reached |= !bpf_sock_ops_cb_flags_set(skops, 0x7f) << 0;
	reached |= (bpf_getsockopt(skops, SOL_TCP, TCP_BPF_SYN, syn, sizeof(syn)) != -2) << 1;
	reached |= (bpf_load_hdr_opt(skops, opt, sizeof(opt), BPF_LOAD_HDR_OPT_TCP_SYN) != -2) << 2;
	reached |= !bpf_setsockopt(skops, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) << 3;
	reached |= !bpf_getsockopt(skops, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) << 4;
	reached |= !bpf_tcp_option_watch(skops, 77, 0) << 5;
	reached |= !!skops->sk << 6;
	reached |= (skops->snd_cwnd || skops->srtt_us || skops->bpf_sock_ops_cb_flags) << 7;
	reached |= !bpf_reserve_hdr_opt(skops, 4, 0) << 8;
	reached |= !bpf_store_hdr_opt(skops, opt, sizeof(opt), 0) << 9;
	reached |= !bpf_open_subflow(skops, NULL, 0, NULL, 0) << 10;
	other |= !bpf_get_socket_cookie(skops) << 0;
	other |= !bpf_get_netns_cookie(skops) << 1;
	other |= (skops->local_port == 0 || skops->remote_port == 0) << 2;
	other |= (skops->family != AF_INET) << 3;
	other |= !bpf_mptcp_loc_token(skops) << 4;
	if (s) {
		s->reached |= reached;
		s->other |= other;
	}
}

static __always_inline void pmfault_scheduler(struct bpf_sock_ops *skops)
{
	struct bpf_sock *sk = skops->sk;
	struct mptcp_sock *msk = sk ? bpf_skc_to_mptcp_sock(sk) : NULL;
	__u32 zero = 0;
	struct pmfault_stats *s = bpf_map_lookup_elem(&stats, &zero);

	if (s && msk && msk->sched)
		s->schedulers |= 1ULL << ((msk->sched->name[0] - 'a') & 31);
}

static __always_inline void pmfault_client(struct bpf_sock_ops *skops,
					   const struct pmfault_params *p)
{
	switch (skops->op) {
	case BPF_MPTCP_FULLY_ESTABLISHED:
		if (skops->args[1] && p->none)
			pmfault_none(skops);
		if (skops->args[1] && p->again)
			bpf_mptcp_wake(skops, 0);
		if (skops->args[1] && p->resend)
			pmfault_send(skops);
		break;
	case BPF_MPTCP_WAKE:
		TCPOPT_COUNT(woken);
		if (p->reopen)
			pmfault_open(skops);
		if (p->again)
			bpf_mptcp_wake(skops, 0);
		break;
	case BPF_MPTCP_OPTION_DONE:
		TCPOPT_COUNT(ended);
		if (p->resend)
			pmfault_send(skops);
		break;
	}
}

static __always_inline void pmfault_session(struct bpf_sock_ops *skops,
					    const struct pmfault_params *p)
{
	__u32 token = bpf_mptcp_loc_token(skops), one = 1;

	switch (skops->op) {
	case BPF_MPTCP_NEW_SESSION:
		TCPOPT_COUNT(sessions);
		bpf_map_delete_elem(&over, &token);
		if (p->resend || p->watch)
			bpf_mptcp_option_watch(skops, 0xf, EXID);
		break;
	case BPF_MPTCP_FULLY_ESTABLISHED:
		pmfault_scheduler(skops);
		break;
	case BPF_MPTCP_CLOSE_SESSION:
		TCPOPT_COUNT(closed);
		bpf_map_update_elem(&over, &token, &one, 0);
		break;
	}
	if (skops->op != BPF_MPTCP_CLOSE_SESSION && bpf_map_lookup_elem(&over, &token))
		TCPOPT_COUNT(late);
}

SEC("sockops")
TCPOPT_HELP("means no good")
TCPOPT_REQUIRES("mptcp-path-manager")
int pmfault(struct bpf_sock_ops *skops)
{
	const struct pmfault_params *p = pmfault_params();
	__u32 op = skops->op;

	if (!p)
		return 1;
	if ((op < BPF_MPTCP_NEW_SESSION || op > BPF_MPTCP_WAKE) && op != BPF_MPTCP_OPTION_DONE)
		return 1;
	pmfault_session(skops, p);
	if (!skops->is_fullsock) {
		TCPOPT_COUNT(without);
		if (p->helpers)
			pmfault_helpers(skops);
	}
	if (skops->local_port != p->port)
		pmfault_client(skops, p);
	return 1;
}

char _license[] SEC("license") = "GPL";
