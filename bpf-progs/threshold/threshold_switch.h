/* SPDX-License-Identifier: GPL-2.0 */
/* threshold: from the first subflow to the backup subflows, and back. */
#ifndef TCPOPT_THRESHOLD_SWITCH_H
#define TCPOPT_THRESHOLD_SWITCH_H

/* What there is */

#define TH_HAS_FIRST (1 << 0)
#define TH_HAS_BACKUP (1 << 1) /* one that the peer wants to be one, and not we */

static __always_inline bool th_is_backup(const struct bpf_mptcp_subflow *sf)
{
	return sf->state == PM_ESTABLISHED &&
	       (sf->flags & (BPF_MPTCP_SUBFLOW_ESTABLISHED | BPF_MPTCP_SUBFLOW_INITIAL |
			     BPF_MPTCP_SUBFLOW_BACKUP | BPF_MPTCP_SUBFLOW_PEER_BACKUP)) ==
		       (BPF_MPTCP_SUBFLOW_ESTABLISHED | BPF_MPTCP_SUBFLOW_PEER_BACKUP);
}

__noinline __u32 th_look(struct bpf_sock_ops *skops)
{
	struct bpf_mptcp_subflow sf = {};
	__u32 found = 0;

	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (sf.flags & BPF_MPTCP_SUBFLOW_INITIAL && sf.state == PM_ESTABLISHED)
			found |= TH_HAS_FIRST;
		if (th_is_backup(&sf))
			found |= TH_HAS_BACKUP;
	}
	return found;
}

/* Place of a subflow that we use though it is a backup; BPF_MPTCP_SUBFLOWS_MAX: none.
 * @id 0: a free place.
 */
__noinline __u64 th_active(const struct tcpopt_own *own, __u32 id)
{
	if (!own)
		return BPF_MPTCP_SUBFLOWS_MAX;
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++)
		if (own->active[i] == id)
			return i;
	return BPF_MPTCP_SUBFLOWS_MAX;
}

static __always_inline bool th_uses_backup(const struct tcpopt_own *own)
{
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++)
		if (own->active[i])
			return true;
	return false;
}

/* To and fro */

static __always_inline void th_override(struct bpf_sock_ops *skops, __u32 id, __u32 backup)
{
	if (bpf_mptcp_set_backup(skops, id, BPF_MPTCP_BACKUP_OVERRIDE | !!backup))
		PM_COUNT(refused);
}

/* The backup subflows are none, the first one is. Says so for new ones, and again if
 * the peer has asked for something else meanwhile.
 */
__noinline int th_leave(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);
	struct bpf_mptcp_subflow sf = {};
	__u64 at;

	if (!s)
		return 0;
	for (__u32 n = 0; n < BPF_MPTCP_SUBFLOWS_MAX; n++) {
		if (!pm_load(skops, n, &sf))
			break;
		if (sf.flags & BPF_MPTCP_SUBFLOW_INITIAL &&
		    !(sf.flags & BPF_MPTCP_SUBFLOW_PEER_BACKUP))
			th_override(skops, sf.id, 1);
		if (!th_is_backup(&sf))
			continue;
		at = th_active(&s->own, sf.id);
		if (at >= BPF_MPTCP_SUBFLOWS_MAX)
			at = th_active(&s->own, 0);
		if (at >= BPF_MPTCP_SUBFLOWS_MAX)
			continue;
		s->own.active[at] = sf.id;
		th_override(skops, sf.id, 0);
	}
	return 0;
}

/* All as the peer wants it. */
__noinline int th_return(struct bpf_sock_ops *skops)
{
	struct tcpopt_session *s = pm_session(skops);

	if (!s)
		return 0;
	th_override(skops, TH_FIRST, s->own.peer_backup);
	for (__u32 i = 0; i < BPF_MPTCP_SUBFLOWS_MAX; i++) {
		if (!s->own.active[i])
			continue;
		th_override(skops, s->own.active[i], 1);
		s->own.active[i] = 0;
	}
	s->own.away = 0;
	s->own.blind = 0;
	return 0;
}

#endif /* TCPOPT_THRESHOLD_SWITCH_H */
