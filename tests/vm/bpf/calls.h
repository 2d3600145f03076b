/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TCPOPT_CALLS_H
#define TCPOPT_CALLS_H

#include "../../../bpf-progs/tcpopt_param.h"

/* When a call is made; a set of these. */
#define AT_LISTEN 1
#define AT_CONNECT 2
#define AT_ESTABLISHED 4
#define AT_PARSE 8
#define AT_SIZE 16
#define AT_MSS 32 /* SIZE_CALC for the MSS */

struct calls_params {
	TCPOPT_PARAM(__u32, watch_at, "", 0, 31, 0, "when to watch");
	TCPOPT_PARAM(__u32, watch_kind, "", 0, 0xffffffff, 0, "what to watch");
	TCPOPT_PARAM(__u32, watch_exid, "", 0, 0xffffffff, 0, "experiment to watch");
	TCPOPT_PARAM(__u32, set_at, "", 0, 63, 0, "when to set a template");
	TCPOPT_PARAM(__u32, head, "", 0, 0xffffffff, 0, "first bytes of options sent, wire order");
	TCPOPT_PARAM(__u32, set_length, "B", 0, 48, 0, "length of the template");
	TCPOPT_PARAM(__u32, set_where, "", 0, 0xffffffff, 0, "its segments");
	TCPOPT_PARAM(__u32, set_times, "", 0, 0xffffffff, 0, "how often it is sent");
	TCPOPT_PARAM(__u32, clear_at, "", 0, 31, 0, "when to clear the template");
	TCPOPT_PARAM(__u32, release_at, "", 0, 31, 0, "when to release what is watched");
	TCPOPT_PARAM(__u32, flags_at, "", 0, 31, 0, "when to set flags");
	TCPOPT_PARAM(__u32, flags, "", 0, 3, 0, "1 write, 2 parse");
	TCPOPT_PARAM(__u32, store_size, "B", 0, 48, 0, "bytes given at SIZE_CALC");
	TCPOPT_PARAM(__u32, store_write, "B", 0, 48, 0, "bytes given at WRITE");
	TCPOPT_PARAM(__u32, reserve, "B", 0, 48, 0, "bytes reserved by reply");
	TCPOPT_PARAM(__u32, acks_only, "", 0, 1, 0, "give none with data");
	TCPOPT_PARAM(__u32, every, "B", 0, 0xffffffff, 0,
		     "with data only at each so many bytes of the connection; 0: always");
	TCPOPT_PARAM(__u32, undo, "", 0, 1, 0, "return 0 after they were given");
	TCPOPT_PARAM(__u32, store_twice, "", 0, 1, 0, "give them twice");
	TCPOPT_PARAM(__u32, vary, "", 0, 1, 0, "their fourth byte differs each time");
	TCPOPT_PARAM(__u32, delack_rtt, "%", 0, 2000, 2000, "delayed ACK timeout; 2000: leave it");
	TCPOPT_PARAM(__u32, delack_segs, "", 0, 300, 300, "segments an ACK; 300: leave it");
	TCPOPT_PARAM(__u32, ack_now, "", 0, 1, 0, "acknowledge what carries a watched option");
};

/* Errors as what the last call returned, without its sign. */
struct calls_stats {
	__u64 watched;
	__u64 watch_errno;
	__u64 templates;
	__u64 set_errno;
	__u64 cleared;
	__u64 clear_errno;
	__u64 flags_refused;
	__u64 sized; /* SIZE_CALC */
	__u64 sized_mss; /* of these for the MSS */
	__u64 sized_again; /* for a retransmission */
	__u64 room_wrong; /* more than a header has */
	__u64 lost; /* LOST */
	__u64 released;
	__u64 release_errno;
	__u64 stored;
	__u64 store_errno;
	__u64 written; /* WRITE */
	__u64 parsed; /* PARSE */
	__u64 parsed_again; /* further copies in the same segment */
	__u64 parsed_bytes; /* of options that were loaded whole and as they were sent */
	__u64 parsed_wrong; /* differ from what the other end sends */
	__u64 load_short_errno; /* with a buffer of 2 bytes */
	__u64 store_elsewhere_errno; /* in PARSE */
	__u64 load_elsewhere_errno; /* in SIZE_CALC */
	__u64 delack_errno;
	__u64 delack_rtt; /* as read back */
	__u64 delack_segs;
};

#endif
