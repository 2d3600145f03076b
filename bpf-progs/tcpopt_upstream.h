/* SPDX-License-Identifier: GPL-2.0 */
/* tcpopt_option.h on a kernel without the kfuncs: through upstream's header
 * option callbacks. Part of that header.
 */
#ifndef TCPOPT_UPSTREAM_H
#define TCPOPT_UPSTREAM_H

#define TCPOPT_FLAG_FIN 0x01
#define TCPOPT_FLAG_SYN 0x02

/* Has neither end sent more than the handshake, as far as this one knows? */
static __always_inline bool tcpopt_is_first(struct bpf_sock_ops *skops,
					    const struct tcpopt_slot *slot)
{
	return skops->snd_una == slot->start && !skops->bytes_received;
}

/* Nothing will carry it any more. */
static __always_inline bool tcpopt_has_ended(struct bpf_sock_ops *skops,
					     const struct tcpopt_slot *slot, bool syn)
{
	__u32 rest = slot->where & (BPF_TCP_OPTION_ON_ACK | BPF_TCP_OPTION_ON_DATA);

	if (slot->where & BPF_TCP_OPTION_UNTIL_ACKED && slot->carried &&
	    (__s32)(skops->snd_una - slot->end) >= 0)
		return true;
	if (syn || rest)
		return false;
	return !(slot->where & BPF_TCP_OPTION_ON_FIRST) || !tcpopt_is_first(skops, slot);
}

static __always_inline bool tcpopt_applies(struct bpf_sock_ops *skops,
					   const struct tcpopt_slot *slot, __u32 flags)
{
	if (flags & TCPOPT_FLAG_SYN)
		return slot->where & BPF_TCP_OPTION_ON_SYN;
	if (slot->where & BPF_TCP_OPTION_ON_FIRST && tcpopt_is_first(skops, slot))
		return true;
	/* No flags: the MSS is sized, which is about data. */
	if (!flags || flags & TCPOPT_FLAG_FIN || skops->skb_len)
		return slot->where & BPF_TCP_OPTION_ON_DATA;
	return slot->where & BPF_TCP_OPTION_ON_ACK;
}

static __always_inline void tcpopt_upstream_size(struct bpf_sock_ops *skops,
						 const struct tcpopt_program *program)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, 0);
	__u32 flags = skops->skb_tcp_flags & 0xff;
	struct tcpopt_option opt;
	bool active = false;

	if (!conn) {
		struct tcpopt_wire wire;

		if (!skops->is_fullsock && program->offer && program->offer(skops, NULL, &opt))
			bpf_reserve_hdr_opt(skops, tcpopt_encode(&opt, &wire), 0);
		return;
	}
	if (conn->stale && program->refresh) {
		conn->stale = 0;
		program->refresh(skops, conn);
	}
	for (int i = 0; i < TCPOPT_SLOTS; i++) {
		struct tcpopt_slot *slot = &conn->slot[i];

		slot->due = 0;
		if (!slot->where)
			continue;
		if (tcpopt_has_ended(skops, slot, flags & TCPOPT_FLAG_SYN)) {
			slot->where = 0;
			continue;
		}
		active = true;
		if (tcpopt_applies(skops, slot, flags))
			slot->due = !bpf_reserve_hdr_opt(skops, slot->len, 0);
	}
	conn->offered_len = 0;
	if (conn->each && program->offer && program->offer(skops, conn, &opt)) {
		__u32 len = tcpopt_encode(&opt, &conn->offered);

		if (!bpf_reserve_hdr_opt(skops, len, 0))
			conn->offered_len = len;
	}
	/* A program of others that is done may just have cleared the flag. */
	conn->calls = active || conn->each;
	if (conn->calls)
		tcpopt_call(skops, true);
}

static __always_inline void tcpopt_upstream_write(struct bpf_sock_ops *skops,
						  const struct tcpopt_program *program)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, 0);
	struct tcphdr *th = skops->skb_data;
	struct tcpopt_option opt;
	__u32 payload, seq;

	if (!conn) {
		struct tcpopt_wire wire;

		if (!skops->is_fullsock && program->offer && program->offer(skops, NULL, &opt)) {
			tcpopt_encode(&opt, &wire);
			bpf_store_hdr_opt(skops, &wire, sizeof(wire), 0);
		}
		return;
	}
	if ((void *)(th + 1) > skops->skb_data_end)
		return;
	payload = skops->skb_len - th->doff * 4 + th->fin;
	seq = bpf_ntohl(th->seq); /* storing ends the view of the segment */
	for (int i = 0; i < TCPOPT_SLOTS; i++) {
		struct tcpopt_slot *slot = &conn->slot[i];

		if (!slot->due || bpf_store_hdr_opt(skops, &slot->wire, sizeof(slot->wire), 0))
			continue;
		/* A pure ACK is never acknowledged, so it proves nothing. */
		if (!slot->carried && payload) {
			slot->carried = 1;
			slot->end = seq + payload;
		}
		if (slot->left && !--slot->left)
			slot->where = 0;
	}
	if (conn->offered_len)
		bpf_store_hdr_opt(skops, &conn->offered, sizeof(conn->offered), 0);
	if (conn->calls)
		tcpopt_call(skops, true);
}

/* Pass on what is watched. bpf_load_hdr_opt() finds the first one of a kind
 * only, and a second one is to be counted.
 */
static __always_inline void tcpopt_upstream_parse(struct bpf_sock_ops *skops,
						  const struct tcpopt_program *program)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, 0);
	struct tcphdr *th = skops->skb_data;
	void *end = skops->skb_data_end;
	const __u32 *from = (__u32 *)(th + 1);
	__u32 size;

	/* A SYN that carries data is the segment that fast open accepts. */
	if (!conn || (void *)(th + 1) > end || (th->syn && !th->ack))
		return;
	if (program->early) {
		conn->early_segs_in = skops->segs_in;
		conn->early_header = (__u64)(long)skops->skb_data;
	}
	size = th->doff * 4 - sizeof(*th);
	memset(&conn->header, 0, sizeof(conn->header));
#pragma unroll
	for (int i = 0; i < TCPOPT_OPTIONS_MAX / 4; i++) {
		if ((void *)(from + i + 1) > end)
			break;
		conn->header.word[i] = from[i];
	}
	/* What changes in the loop is kept where the verifier does not follow it:
	 * it would walk through every combination.
	 */
	conn->found = 0;
	conn->next = 0;
	for (int i = 0; i < TCPOPT_OPTIONS_MAX; i++) {
		__u32 at = conn->next & 63;
		__u8 kind = conn->header.byte[at], len = conn->header.byte[at + 1];

		if (kind == TCPOPT_KIND_EOL)
			break;
		if (kind == TCPOPT_KIND_NOP) {
			conn->next = at + 1;
			continue;
		}
		if (len < 2 || at + len > size)
			break;
		if (kind == conn->watch[0].kind || kind == conn->watch[1].kind)
			conn->at[conn->found++ % TCPOPT_FOUND] = at;
		conn->next = at + len;
	}
	for (__u32 i = 0; i < TCPOPT_FOUND && i < conn->found; i++)
		tcpopt_came(skops, conn, (void *)&conn->header.byte[conn->at[i] & 63], program);
}

#endif /* TCPOPT_UPSTREAM_H */
