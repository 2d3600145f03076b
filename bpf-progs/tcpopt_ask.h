/* SPDX-License-Identifier: GPL-2.0 */
/* Requests of one end to the other, by an MPTCP option of 32 bits at most.
 *
 * In BPF_MPTCP_WAKE a program says what it wants by ask_tell(): what the peer knows
 * already is not sent, and one request is under way at a time, so that the last
 * one to arrive is the latest. Whoever is asked reads it in PARSE_OPTIONS and says
 * for itself what it makes of it; the same program is at both ends.
 *
 * Include it after TCPOPT_MAPS(name), the counters of ASK_STATS among them, and TCPOPT_PEERS,
 * before struct tcpopt_own and tcpopt_pm.h.
 */
#ifndef TCPOPT_ASK_H
#define TCPOPT_ASK_H

#include "tcpopt_peer.h"
#include "tcpopt_pm_subflow.h"
#include "tcpopt_mptcp_option.h"

#define ASK_KEY_LEN 3 /* subtype, bits and experiment, in front of the value */
#define ASK_AGAIN 1000 /* ms, if the kernel would not take a request */
#define ASK_BITS 0xc /* of the first byte that are the program's */

enum { ASK_EEXIST = 17 };

/* ask::state, 0: nothing was asked yet */
#define ASK_UNDER_WAY (1 << 0)
#define ASK_TOLD (1 << 1) /* the peer has it */
#define ASK_LOST (1 << 2) /* the peer's kernel did not answer */

struct ask {
	__u32 value; /* the latest that was sent */
	__u32 state;
};

/* In NEW_SESSION: true if the option is ours in this session, and what is kept of
 * it has a place.
 */
#define ASK_BEGIN(skops, exid_)                                                        \
	({                                                                             \
		struct tcpopt_session *s_ = pm_begin(skops);                           \
		int err_ = 0;                                                          \
                                                                                       \
		if (s_) {                                                              \
			s_->own.exid = exid_;                                          \
			err_ = bpf_mptcp_option_watch(skops, BPF_MPTCP_OPTION_PRIVATE, \
						      exid_);                          \
			if (err_)                                                      \
				pm_forget(skops);                                      \
		}                                                                      \
		if (!s_)                                                               \
			PM_COUNT(no_memory);                                           \
		else if (!err_)                                                        \
			PM_COUNT(sessions);                                            \
		else if (err_ == -ASK_EEXIST)                                          \
			PM_COUNT(taken);                                               \
		else                                                                   \
			PM_COUNT(no_memory);                                           \
		s_ && !err_;                                                           \
	})

/* In FULLY_ESTABLISHED: look what is to be done. A request that was lost may be sent
 * on a subflow that is new.
 */
#define ASK_ESTABLISHED(skops)                                  \
	do {                                                    \
		struct tcpopt_session *s_ = pm_session(skops);  \
                                                                \
		if (s_) {                                       \
			pm_established(skops, s_);              \
			s_->own.joined = 1;                     \
			bpf_mptcp_wake(skops, 0);               \
		}                                               \
	} while (0)

/* Queue an option with the last @width bytes of @value. */
static __always_inline int ask_send(struct bpf_sock_ops *skops, __u32 id, __u32 exid, __u32 bits,
				    __u32 value, __u32 width)
{
	__u8 opt[ASK_KEY_LEN + sizeof(value)] = {
		BPF_MPTCP_OPTION_PRIVATE << 4 | bits, exid >> 8, exid,
	};

	for (__u32 i = 0; i < width; i++)
		opt[ASK_KEY_LEN + i] = value >> 8 * (width - 1 - i);
	return bpf_mptcp_option_send(skops, id, opt, ASK_KEY_LEN + width,
				     BPF_MPTCP_OPTION_UNTIL_ECHOED);
}

/* Does the peer know, or was it told in vain? */
static __always_inline bool ask_settled(const struct ask *ask, __u32 value)
{
	return ask->value == value && ask->state & (ASK_TOLD | ASK_LOST);
}

/* In WAKE: ask the peer for @value, on the subflow @id, 0: on any. */
static __always_inline void ask_tell(struct bpf_sock_ops *skops, struct ask *ask, __u32 id,
				     __u32 exid, __u32 value, __u32 width)
{
	if (ask->state & ASK_UNDER_WAY || ask_settled(ask, value))
		return;
	if (ask_send(skops, id, exid, 0, value, width)) {
		PM_COUNT(refused);
		bpf_mptcp_wake(skops, ASK_AGAIN);
		return;
	}
	PM_COUNT(asked);
	ask->value = value;
	ask->state = ASK_UNDER_WAY;
}

/* In WAKE: what was lost may get through on a subflow that is new. */
static __always_inline void ask_joined(struct ask *ask, __u32 *joined)
{
	if (*joined && ask->state & ASK_LOST)
		ask->state = 0;
	*joined = 0;
}

/* In OPTION_DONE: one that ask_tell() sent. Perhaps another one is wanted by now. */
static __always_inline void ask_done(struct bpf_sock_ops *skops, struct ask *ask)
{
	if (skops->args[2] == BPF_MPTCP_OPTION_MOVES)
		return; /* still under way, elsewhere */
	if (skops->args[2] == BPF_MPTCP_OPTION_ECHOED) {
		PM_COUNT(echoed);
		ask->state = ASK_TOLD;
	} else {
		PM_COUNT(lost);
		ask->state = ASK_LOST;
	}
	bpf_mptcp_wake(skops, 0);
}

/* In PARSE_OPTIONS: the program's bits, bytes of the value, and the value. */
static __always_inline __u32 ask_bits(struct bpf_sock_ops *skops)
{
	__u8 opt[ASK_KEY_LEN] = {};

	bpf_mptcp_option_load(skops, opt, sizeof(opt));
	return opt[0] & ASK_BITS;
}

static __always_inline __u32 ask_width(struct bpf_sock_ops *skops)
{
	return skops->args[2] - ASK_KEY_LEN;
}

static __always_inline __u32 ask_value(struct bpf_sock_ops *skops, __u32 width)
{
	return bpf_ntohl(skops->args[3]) >> 8 * (sizeof(__u32) - width);
}

/* In PARSE_OPTIONS: is this a request of so many bytes, without bits of its own? */
static __always_inline bool ask_is_plain(struct bpf_sock_ops *skops, __u32 width)
{
	if (ask_width(skops) != width) {
		PM_COUNT(bad_length);
		return false;
	}
	if (ask_bits(skops)) {
		PM_COUNT(bad_value);
		return false;
	}
	return true;
}

/* In PARSE_OPTIONS: may the peer cause something, once more? */
static __always_inline bool ask_is_heard(struct bpf_sock_ops *skops, struct tcpopt_budget *asked)
{
	if (TCPOPT_HEARS(skops, asked))
		return true;
	PM_COUNT(not_allowed);
	return false;
}

/* What the peer wants of the whole session, in programs that grant it in WAKE. */
struct ask_peer {
	__u32 wants; /* 0: nothing */
	__u32 fresh; /* it was not looked at yet */
	struct tcpopt_budget asked;
};

/* In PARSE_OPTIONS: the peer wants @value. */
static __always_inline void ask_peer_wants(struct bpf_sock_ops *skops, struct ask_peer *peer,
					   __u32 value)
{
	if (value == peer->wants) {
		PM_COUNT(repeated);
		return;
	}
	PM_COUNT(received);
	if (!ask_is_heard(skops, &peer->asked))
		return;
	peer->wants = value;
	peer->fresh = 1;
	bpf_mptcp_wake(skops, 0);
}

/* In WAKE: true once for everything that it wants. */
static __always_inline bool ask_peer_is_fresh(struct ask_peer *peer)
{
	bool fresh = peer->fresh;

	peer->fresh = 0;
	return fresh;
}

#endif /* TCPOPT_ASK_H */
