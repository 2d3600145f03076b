/* SPDX-License-Identifier: GPL-2.0 */
/* Send and receive options of one's own, on any kernel.
 *
 * With the kfuncs of kernel-patches/ the kernel keeps what is sent and knows
 * what is watched. Without them upstream's header option callbacks do the work
 * (Linux 5.10), and what is sent is kept here, with the socket. A program sees
 * no difference: it defines struct tcpopt_own (what it keeps for a connection),
 * calls tcpopt_send() and tcpopt_watch() from the callbacks for a connection,
 * and tcpopt_run() in every callback.
 */
#ifndef TCPOPT_OPTION_H
#define TCPOPT_OPTION_H

#include "tcpopt.bpf.h"
#include <linux/tcp.h>
#include "tcpopt_maps.h"
#include "tcpopt_wire.h"

#define TCPOPT_ON_ALL (BPF_TCP_OPTION_ON_FIRST | BPF_TCP_OPTION_ON_ACK | BPF_TCP_OPTION_ON_DATA)

#define TCPOPT_SLOTS 2 /* options that a program sends, and as many it watches */
#define TCPOPT_FOUND 8 /* options of watched kinds that one segment may have */
#define TCPOPT_COPIES 20 /* that fit into a header */
#define TCPOPT_ENOSPC 28

/* What the kernel keeps if it has the kfuncs. */
struct tcpopt_slot {
	struct tcpopt_wire wire;
	__u32 len;
	__u32 where; /* 0: nothing to send */
	__u32 left; /* segments; 0: no bound */
	__u32 start; /* snd_una when it was set */
	__u32 end; /* where the first segment that carried it ends */
	__u32 carried; /* such a segment was sent */
	__u32 due; /* room was reserved in the segment being made */
};

struct tcpopt_watch {
	__u32 kind;
	__u32 exid;
	__u32 last_segs_in; /* the segment of the last one seen: with the header's */
	__u64 last_header; /* address it is told apart also in a backlog */
};

struct tcpopt_conn {
	struct tcpopt_watch watch[TCPOPT_SLOTS];
	struct tcpopt_slot slot[TCPOPT_SLOTS];
	union tcpopt_header header; /* of upstream's callback */
	volatile __u32 next; /* offset of the option to look at */
	volatile __u32 found; /* options of a watched kind */
	__u8 at[TCPOPT_FOUND]; /* where they are */
	struct tcpopt_wire offered; /* of the segment being made; len 0: nothing */
	__u32 offered_len;
	__u32 each; /* ask the program for every segment */
	__u32 calls; /* upstream's callback for segments is wanted */
	__u32 stale; /* parameters have changed */
	__u32 early_segs_in; /* the segment of the handshake, if it was taken early */
	__u64 early_header;
	struct tcpopt_own own;
};

/* What a program does; a member it has no use for is NULL. */
struct tcpopt_program {
	/* A watched option came. @again: not the first one in its segment. */
	void (*received)(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
			 const struct tcpopt_option *opt, bool again);
	/* Put an option on this segment? Asked for SYN-ACKs (@conn is NULL) and,
	 * if conn->each is set, for all segments.
	 */
	bool (*offer)(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
		      struct tcpopt_option *opt);
	/* Take the options of the handshake in the ESTABLISHED callback on any
	 * kernel: the kernel sizes its buffers after it, for the window it finds.
	 */
	bool early;
	/* The parameters have changed, see tcpopt_wake(). */
	void (*refresh)(struct bpf_sock_ops *skops, struct tcpopt_conn *conn);
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcpopt_conn);
} conns SEC(".maps");

static __always_inline bool tcpopt_by_kernel(void)
{
	return bpf_ksym_exists(bpf_tcp_option_set);
}

/* NULL if this callback has no full socket. */
static __always_inline struct tcpopt_conn *tcpopt_conn(struct bpf_sock_ops *skops, __u64 flags)
{
	struct bpf_sock *sk = skops->sk;

	return sk && skops->is_fullsock ? bpf_sk_storage_get(&conns, sk, NULL, flags) : NULL;
}

/* Flags of upstream's callbacks belong to all programs of a connection. Another one
 * may have set the same, before or since, and nobody can tell: they are never cleared.
 */
static __always_inline void tcpopt_flags(struct bpf_sock_ops *skops, int set)
{
	int now = skops->bpf_sock_ops_cb_flags, want = now | set;

	if (want != now)
		bpf_sock_ops_cb_flags_set(skops, want);
}

/* Ask to be called for each segment, or no longer: on a kernel without ours the calls
 * go on then, and cost what they cost, but do nothing. Of ours each program has its
 * own flag; upstream's are named with it so that they stay as they are.
 */
static __always_inline void tcpopt_call(struct bpf_sock_ops *skops, bool on)
{
	int flag = on ? BPF_SOCK_OPS_OPTION_WRITE_FLAG : 0;

	if (!tcpopt_by_kernel())
		tcpopt_flags(skops, on ? BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG : 0);
	else if (on)
		bpf_sock_ops_cb_flags_set(skops, flag);
	else
		bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags);
}

/* Send @opt on the segments @where says, on @times of them at most (0: no
 * bound), in place of what was sent before from @slot.
 */
static __always_inline int tcpopt_send(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				       __u32 slot, const struct tcpopt_option *opt,
				       __u32 where, __u32 times)
{
	struct tcpopt_slot *to = &conn->slot[slot];
	struct tcpopt_wire wire;
	__u32 len = tcpopt_encode(opt, &wire);

	if (tcpopt_by_kernel())
		return bpf_tcp_option_set(skops, &wire, len, where, times);
	to->wire = wire;
	to->len = len;
	to->where = where;
	to->left = times;
	to->start = skops->snd_una;
	to->carried = 0;
	tcpopt_call(skops, true);
	return 0;
}

static __always_inline void tcpopt_stop(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					__u32 slot, __u32 kind, __u32 exid)
{
	conn->slot[slot].where = 0;
	if (tcpopt_by_kernel())
		bpf_tcp_option_clear(skops, kind, exid);
}

/* Have tcpopt_run() pass this option on, the one of the handshake included. */
static __always_inline int tcpopt_watch(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					__u32 slot, __u32 kind, __u32 exid)
{
	conn->watch[slot].kind = kind;
	conn->watch[slot].exid = exid;
	if (tcpopt_by_kernel())
		return bpf_tcp_option_watch(skops, kind, exid);
	tcpopt_flags(skops, BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG);
	return 0;
}

/* Of a listener: have @offer called for its SYN-ACKs. */
static __always_inline void tcpopt_listen(struct bpf_sock_ops *skops)
{
	tcpopt_call(skops, true);
}

/* Of a connection that such a listener accepted: it inherited the flag. */
static __always_inline void tcpopt_accepted(struct bpf_sock_ops *skops)
{
	tcpopt_call(skops, false);
}

/* Did the SYN carry it? Of a SYN-ACK, or of an accepted connection whose
 * listener has TCP_SAVE_SYN set. Not known if it was answered with a cookie.
 */
static __always_inline bool tcpopt_in_syn(struct bpf_sock_ops *skops, __u32 kind, __u32 exid)
{
	struct tcpopt_option opt = { .kind = kind, .exid = exid };
	struct tcpopt_wire wire;
	long len;

	tcpopt_encode(&opt, &wire);
	len = bpf_load_hdr_opt(skops, &wire, sizeof(wire), BPF_LOAD_HDR_OPT_TCP_SYN);
	return len > 0 || len == -TCPOPT_ENOSPC;
}

/* Have @offer called for each segment. */
static __always_inline void tcpopt_each(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					bool on)
{
	conn->each = on;
	if (on)
		tcpopt_call(skops, true);
}

/* Of the iterator: have @refresh called before the next segment is made. The
 * iterator says TCPOPT_REQUIRES("iter-cb-flags"): before Linux 6.10 the call below does
 * nothing, and new parameters are for new connections only.
 */
#define tcpopt_wake(sk, conn)                                                       \
	do {                                                                        \
		int flags_ = 0;                                                     \
		(conn)->stale = 1;                                                  \
		bpf_getsockopt(sk, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags_,     \
			       sizeof(flags_));                                     \
		flags_ |= tcpopt_by_kernel() ? BPF_SOCK_OPS_OPTION_WRITE_FLAG       \
					     : BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG;  \
		bpf_setsockopt(sk, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags_,     \
			       sizeof(flags_));                                     \
	} while (0)

/* An option came: hand it to the program if it is one that it watches. */
static __always_inline void tcpopt_came(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					const struct tcpopt_wire *wire,
					const struct tcpopt_program *program)
{
	__u64 header = (__u64)(long)skops->skb_data;
	__u32 segs_in = skops->segs_in;
	struct tcpopt_option opt;

	for (int i = 0; i < TCPOPT_SLOTS; i++) {
		struct tcpopt_watch *watch = &conn->watch[i];
		bool again;

		if (!tcpopt_decode(wire, watch->kind, watch->exid, &opt))
			continue;
		again = watch->last_segs_in == segs_in && watch->last_header == header;
		watch->last_segs_in = segs_in;
		watch->last_header = header;
		program->received(skops, conn, &opt, again);
		return;
	}
}

#include "tcpopt_upstream.h"

static __always_inline void tcpopt_parse(struct bpf_sock_ops *skops,
					 const struct tcpopt_program *program)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, 0);
	__u32 copies = skops->args[0];
	struct tcpopt_wire wire = {};

	if (!conn || !tcpopt_by_kernel())
		return;
	if (program->early && conn->early_segs_in == skops->segs_in &&
	    conn->early_header == (__u64)(long)skops->skb_data)
		return;
	/* What is longer than @wire is cut off, but its length is there. */
	bpf_tcp_option_load(skops, &wire, sizeof(wire));
	tcpopt_came(skops, conn, &wire, program);
	/* The kernel calls once for all of them. */
	for (__u32 i = 0; i < TCPOPT_COPIES && i < copies; i++)
		tcpopt_came(skops, conn, &wire, program);
}

/* Bytes for the segment that the kernel is about to make. */
static __always_inline void tcpopt_size(struct bpf_sock_ops *skops,
					const struct tcpopt_program *program)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, 0);
	struct tcpopt_wire wire;
	struct tcpopt_option opt;

	if (!tcpopt_by_kernel())
		return;
	if (conn && conn->stale && program->refresh) {
		conn->stale = 0;
		program->refresh(skops, conn);
	}
	if (conn && !conn->each) {
		tcpopt_call(skops, false);
		return;
	}
	if (program->offer && program->offer(skops, conn, &opt))
		bpf_tcp_option_store(skops, &wire, tcpopt_encode(&opt, &wire));
}

static __always_inline void tcpopt_run(struct bpf_sock_ops *skops,
				       const struct tcpopt_program *program)
{
	switch (skops->op) {
	case BPF_TCP_OPTIONS_SIZE_CALC:
		tcpopt_size(skops, program);
		break;
	case BPF_TCP_PARSE_OPTIONS:
		tcpopt_parse(skops, program);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (program->early || !tcpopt_by_kernel())
			tcpopt_upstream_parse(skops, program);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		if (!tcpopt_by_kernel())
			tcpopt_upstream_parse(skops, program);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		if (!tcpopt_by_kernel())
			tcpopt_upstream_size(skops, program);
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		if (!tcpopt_by_kernel())
			tcpopt_upstream_write(skops, program);
		break;
	}
}

#endif /* TCPOPT_OPTION_H */
