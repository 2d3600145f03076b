/* SPDX-License-Identifier: GPL-2.0 */
/* Acknowledgement strategy: what the program and C++ share. */
#ifndef TCPOPT_DELACK_H
#define TCPOPT_DELACK_H

#include "../tcpopt_param.h"

struct TCPOPT_RULE_OR_ZERO(min_rtt, max_rtt)
	TCPOPT_RULE_OR_ZERO(min_segments, max_segments) delack_params {
	TCPOPT_PARAM(__u32, rtt, "%", 0, 1000, 0,
		     "delayed-ACK timeout asked of the peer, of its minimum RTT; 0 asks for none");
	TCPOPT_PARAM(__u32, segments, "MSS", 0, 255, 0,
		     "amount of data that forces an ACK, asked of the peer; 0 asks for none");
	TCPOPT_PARAM(__u32, min_rtt, "%", 1, 1000, 10,
		     "shortest timeout that a peer gets");
	TCPOPT_PARAM(__u32, max_rtt, "%", 0, 1000, 0,
		     "longest timeout that a peer gets; 0: peers cannot change it");
	TCPOPT_PARAM(__u32, min_segments, "MSS", 1, 255, 1,
		     "least amount of data that a peer gets");
	TCPOPT_PARAM_NEEDS("tcp-delayed-ack", __u32, max_segments, "MSS", 0, 255, 0,
			   "greatest amount of data that a peer gets; 0: peers cannot change it");
	TCPOPT_PARAM(__u32, exid, "hex", 0, 0xffffffff, 0x7464,
		     "experiment id (RFC 6994) of the option, kind 253; above 65535 of 32 bits");
	TCPOPT_PARAM(__u32, tarr, "", 0, 1, 0,
		     "1: negotiate TARR (draft-ietf-tcpm-ack-rate-request) in the handshake");
	TCPOPT_PARAM(__u32, tarr_rate, "segments", 0, 127, 0,
		     "segments per ACK asked of the peer by TARR (R); 0 asks for none");
	TCPOPT_PARAM(__u32, tarr_now, "", 0, 1, 0,
		     "1: ask by TARR for an immediate ACK with each segment that is pushed");
	TCPOPT_PARAM_NEEDS("tcp-delayed-ack", __u32, serve_now, "", 0, 1, 0,
			   "1: acknowledge at once when a peer asks for it by TARR");
	TCPOPT_PARAM(__u32, tarr_kind, "", 253, 254, 254,
		     "kind of TARR; both are shared by experiments");
	TCPOPT_PARAM(__u32, tarr_exid, "hex", 0, 0xffffffff, 0x00ac,
		     "experiment id of TARR");
};

/* Counted per attachment, summed over CPUs. */
struct delack_stats {
	TCPOPT_COUNTER(requested, "values that a connection began to ask of its peer");
	TCPOPT_COUNTER(negotiated, "connections on which both ends support TARR");
	TCPOPT_COUNTER(asked_now, "segments that asked for an immediate ACK");
	TCPOPT_COUNTER(received, "well-formed requests from the peer");
	TCPOPT_COUNTER(applied, "changed a value of this end");
	TCPOPT_COUNTER(clamped, "of these, brought within min_ and max_");
	TCPOPT_COUNTER(unchanged, "asked for what was in force already");
	TCPOPT_COUNTER(acked_now, "immediate ACKs that a peer asked for and got");
	TCPOPT_COUNTER(not_allowed, "ignored: max_ or serve_now is 0");
	TCPOPT_COUNTER(unsupported, "ignored: this kernel cannot");
	TCPOPT_COUNTER(bad_length, "ignored: not as long as the option has to be");
	TCPOPT_COUNTER(bad_value, "ignored: asks for nothing");
	TCPOPT_COUNTER(repeated, "ignored: a second one in the same segment");
	TCPOPT_COUNTER(taken, "not asked or heard: another program owns the option");
};

#ifdef __cplusplus
static_assert(sizeof(delack_params) == 52, "as the BPF side has it");
static_assert(sizeof(delack_stats) == 112, "as the BPF side has it");
#else
_Static_assert(sizeof(struct delack_params) == 52, "as the C++ side has it");
_Static_assert(sizeof(struct delack_stats) == 112, "as the C++ side has it");
#endif

#endif /* TCPOPT_DELACK_H */
