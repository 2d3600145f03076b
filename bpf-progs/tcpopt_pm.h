/* SPDX-License-Identifier: GPL-2.0 */
/* What programs with an MPTCP option share: what they keep of sessions, and how to
 * reach live ones (tcpopt_ask.h).
 *
 * A program says TCPOPT_MAPS(name), defines struct tcpopt_own (what it keeps for
 * a session) and includes this. Most callbacks come in softirq, on several
 * CPUs for one session at once: there a program takes a note, under the
 * session's lock, and asks for BPF_MPTCP_WAKE. That comes with the session
 * locked: there it compares what is with what its parameters want, and does
 * the difference. So a lost, late or double event does no harm, and changed
 * parameters take the same way.
 */
#ifndef TCPOPT_PM_H
#define TCPOPT_PM_H

#include "tcpopt_pm_subflow.h"

#define PM_SESSIONS_MAX 65536 /* of one attachment; those beyond are left alone */

struct tcpopt_session {
	struct bpf_spin_lock lock; /* of what @own says it is for */
	__u32 server; /* this end accepted the session */
	__u64 netns; /* cookie of its network namespace */
	__u64 established; /* ns; 0: not fully established yet */
	__u32 denied; /* the peer takes no join at its first address */
	__u32 inet6; /* the session can have subflows of IPv6 */
	struct tcpopt_own own;
};

/* Key: local token. Not preallocated: it is large, and most hosts have few. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PM_SESSIONS_MAX);
	__type(key, __u32);
	__type(value, struct tcpopt_session);
} sessions SEC(".maps");

/* Too large for the stack. No struct: what has a lock cannot be constant. */
static const char pm_blank[sizeof(struct tcpopt_session)];

static __always_inline struct tcpopt_session *pm_session(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);

	return bpf_map_lookup_elem(&sessions, &token);
}

/* In NEW_SESSION: a place for what is kept of it. NULL: no room. */
static __always_inline struct tcpopt_session *pm_begin(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);
	struct tcpopt_session *s;

	if (bpf_map_update_elem(&sessions, &token, pm_blank, BPF_ANY))
		return NULL;
	s = bpf_map_lookup_elem(&sessions, &token);
	if (s) {
		s->server = skops->args[1];
		s->netns = bpf_get_netns_cookie(skops);
	}
	return s;
}

static __always_inline void pm_forget(struct bpf_sock_ops *skops)
{
	__u32 token = mptcp_loc_token(skops);

	bpf_map_delete_elem(&sessions, &token);
}

/* In FULLY_ESTABLISHED; that of further subflows says nothing new. */
static __always_inline bool pm_established(struct bpf_sock_ops *skops, struct tcpopt_session *s)
{
	__u32 flags = mptcp_flags(skops);

	if (!skops->args[1] || s->established)
		return false;
	s->denied = !!(flags & MPTCP_FLAGS_DENY_JOIN_ID0);
	s->inet6 = !!(flags & MPTCP_FLAGS_INET6);
	s->established = bpf_ktime_get_ns();
	return true;
}

#endif /* TCPOPT_PM_H */
