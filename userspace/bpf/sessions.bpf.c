// SPDX-License-Identifier: GPL-2.0
/* Writes a struct tcpopt_subflow_record for each MPTCP subflow of a network
 * namespace. What a kernel does not have is left 0.
 *
 * All is read by bpf_probe_read_kernel(): bpf_skc_to_mptcp_sock() takes no
 * socket of an iterator, and what is found on the way has no type for it.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "subflow_record.h"

#define AF_INET 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define MPTCP_FALLBACK_DONE 2 /* bit of mptcp_sock::flags */

/* Members that are read; CO-RE finds them. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net {
	__u64 net_cookie;
};

struct in6_addr___kernel {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	struct in6_addr___kernel skc_v6_daddr;
	struct in6_addr___kernel skc_v6_rcv_saddr;
	struct {
		struct net *net;
	} skc_net;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct net_device {
	char name[TCPOPT_NAME_SIZE];
};

struct dst_entry {
	struct net_device *dev;
};

struct sock {
	struct sock_common __sk_common;
	struct dst_entry *sk_dst_cache;
	struct socket *sk_socket;
	struct {
		struct cgroup *cgroup;
	} sk_cgrp_data;
};

struct inode {
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
};

struct socket {
	struct file *file;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	void *icsk_ulp_data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 srtt_us;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u8 is_mptcp;
};

struct mptcp_pm_slot {
	char name[TCPOPT_NAME_SIZE];
};

struct mptcp_bpf_pm {
	struct mptcp_pm_slot *slot;
};

struct mptcp_pm_data {
	__u8 server_side;
	__u8 pm_type;
	struct mptcp_bpf_pm bpf;
};

struct mptcp_sched_ops {
	char name[TCPOPT_NAME_SIZE];
};

struct mptcp_sock {
	struct inet_connection_sock sk;
	__u32 token;
	unsigned long flags;
	__u64 bytes_sent;
	__u64 bytes_received;
	struct sock *first;
	struct mptcp_pm_data pm;
	struct mptcp_sched_ops *sched;
};

struct mptcp_subflow_context {
	__u32 request_bkup : 1;
	__u32 backup : 1;
	__u32 stale : 1;
	__u8 reset_seen : 1;
	__u8 reset_reason : 4;
	struct mptcp_sock *conn;
};

struct seq_file;

struct bpf_iter_meta {
	__bpf_md_ptr(struct seq_file *, seq);
};

struct bpf_iter__tcp {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct sock_common *, sk_common);
};

#pragma clang attribute pop

/* @field of @object, a pointer; 0 if this kernel has no such field. The field is
 * a member of the object itself: behind another pointer clang would load that.
 */
#define READ_IF(object, field) \
	(bpf_core_field_exists((object)->field) ? BPF_CORE_READ(object, field) : 0)
#define BIT_IF(object, field) \
	(bpf_core_field_exists((object)->field) ? BPF_CORE_READ_BITFIELD_PROBED(object, field) : 0)

static void read_manager(struct tcpopt_subflow_record *record, struct mptcp_sock *msk)
{
	struct mptcp_pm_slot *slot;

	record->manager_type = READ_IF(msk, pm.pm_type);
	slot = READ_IF(msk, pm.bpf.slot);
	if (slot)
		BPF_CORE_READ_STR_INTO(&record->manager, slot, name);
}

/* The first subflow stays as long as the session does, also after its end. */
static void read_initial(struct tcpopt_subflow_record *record, struct mptcp_sock *msk)
{
	struct tcp_sock *first = (struct tcp_sock *)BPF_CORE_READ(msk, first);
	struct mptcp_subflow_context *subflow;

	if (!first || BPF_CORE_READ((struct sock *)first, __sk_common.skc_state) != TCP_CLOSE)
		return;
	record->flags |= TCPOPT_SESSION_INITIAL_ENDED;
	subflow = BPF_CORE_READ(first, inet_conn.icsk_ulp_data);
	if (subflow && BIT_IF(subflow, reset_seen)) {
		record->flags |= TCPOPT_SESSION_INITIAL_RESET;
		record->initial_reason = BIT_IF(subflow, reset_reason);
	}
}

static void read_session(struct tcpopt_subflow_record *record, struct mptcp_sock *msk)
{
	struct sock *sk = (struct sock *)msk;
	struct mptcp_sched_ops *sched;
	struct cgroup *cgroup;
	struct file *file;
	struct net *net;

	record->session = (__u64)msk;
	record->token = BPF_CORE_READ(msk, token);
	net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	if (net)
		record->netns = READ_IF(net, net_cookie);
	cgroup = READ_IF(sk, sk_cgrp_data.cgroup);
	if (cgroup)
		record->cgroup = BPF_CORE_READ(cgroup, kn, id);
	record->session_state = BPF_CORE_READ(sk, __sk_common.skc_state);
	record->session_sent = READ_IF(msk, bytes_sent);
	record->session_received = READ_IF(msk, bytes_received);
	/* NULL while nobody has accepted it, and after close(). */
	file = BPF_CORE_READ(sk, sk_socket, file);
	if (file)
		record->inode = BPF_CORE_READ(file, f_inode, i_ino);
	if (BPF_CORE_READ(msk, pm.server_side))
		record->flags |= TCPOPT_SESSION_SERVER;
	if (BPF_CORE_READ(msk, flags) & 1 << MPTCP_FALLBACK_DONE)
		record->flags |= TCPOPT_SESSION_FALLBACK;
	sched = READ_IF(msk, sched);
	if (sched)
		BPF_CORE_READ_STR_INTO(&record->scheduler, sched, name);
	read_manager(record, msk);
	read_initial(record, msk);
}

static void read_addresses(struct tcpopt_subflow_record *record, struct sock_common *common)
{
	record->family = BPF_CORE_READ(common, skc_family);
	record->state = BPF_CORE_READ(common, skc_state);
	record->local_port = BPF_CORE_READ(common, skc_num);
	record->remote_port = bpf_ntohs(BPF_CORE_READ(common, skc_dport));
	if (record->family == AF_INET) {
		BPF_CORE_READ_INTO((__be32 *)record->local, common, skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)record->remote, common, skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&record->local, common, skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&record->remote, common, skc_v6_daddr.in6_u.u6_addr8);
	}
}

static void read_subflow(struct tcpopt_subflow_record *record, struct tcp_sock *tp,
			 struct mptcp_subflow_context *subflow)
{
	struct dst_entry *dst = BPF_CORE_READ((struct sock *)tp, sk_dst_cache);

	record->rtt = BPF_CORE_READ(tp, srtt_us) >> 3;
	record->sent = BPF_CORE_READ(tp, bytes_acked);
	record->received = BPF_CORE_READ(tp, bytes_received);
	if (dst)
		BPF_CORE_READ_STR_INTO(&record->interface, dst, dev, name);
	if (BIT_IF(subflow, request_bkup))
		record->flags |= TCPOPT_SUBFLOW_BACKUP;
	if (BIT_IF(subflow, backup))
		record->flags |= TCPOPT_SUBFLOW_PEER_BACKUP;
	if (BIT_IF(subflow, stale))
		record->flags |= TCPOPT_SUBFLOW_STALE;
	if (BIT_IF(subflow, reset_seen)) {
		record->flags |= TCPOPT_SUBFLOW_RESET;
		record->reset_reason = BIT_IF(subflow, reset_reason);
	}
}

SEC("iter/tcp")
int write_subflow(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcpopt_subflow_record record = {};
	struct mptcp_subflow_context *subflow;
	struct mptcp_sock *msk;
	struct tcp_sock *tp;

	if (!common || BPF_CORE_READ(common, skc_state) == TCP_LISTEN)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp || !READ_IF(tp, is_mptcp))
		return 0;
	subflow = BPF_CORE_READ(tp, inet_conn.icsk_ulp_data);
	msk = subflow ? BPF_CORE_READ(subflow, conn) : NULL;
	if (!msk)
		return 0;
	read_session(&record, msk);
	if ((struct sock *)tp == BPF_CORE_READ(msk, first))
		record.flags |= TCPOPT_SUBFLOW_INITIAL;
	read_addresses(&record, common);
	read_subflow(&record, tp, subflow);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

char _license[] SEC("license") = "GPL";
