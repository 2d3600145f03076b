/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TCPOPT_OPTEST_H
#define TCPOPT_OPTEST_H

#include "../../../bpf-progs/tcpopt_param.h"

struct optest_params {
	TCPOPT_PARAM(__u32, listen, "", 0, 3, 0, "flags set on a listener: 1 write, 2 parse");
	TCPOPT_PARAM(__u32, connect, "", 0, 3, 0, "flags set before the SYN");
	TCPOPT_PARAM(__u32, established, "", 0, 3, 0, "flags set after the handshake");
	TCPOPT_PARAM(__u32, ask, "B", 0, 255, 0, "bytes asked for in segments");
	TCPOPT_PARAM(__u32, ask_mss, "B", 0, 255, 0, "bytes asked for in the MSS");
	TCPOPT_PARAM(__u32, word0, "", 0, 0xffffffff, 0, "bytes written, wire order; 0: nothing");
	TCPOPT_PARAM(__u32, word1, "", 0, 0xffffffff, 0, "more of them; 0: nothing");
	TCPOPT_PARAM(__u32, word2, "", 0, 0xffffffff, 0, "more of them; 0: nothing");
	TCPOPT_PARAM(__u32, word3, "", 0, 0xffffffff, 0, "more of them; 0: nothing");
	TCPOPT_PARAM(__u32, kind, "", 0, 255, 0, "option expected");
	TCPOPT_PARAM(__u32, length, "", 0, 255, 0, "its length");
	TCPOPT_PARAM(__u32, value, "", 0, 0xffffffff, 0, "first 4 bytes of its value");
	TCPOPT_PARAM(__u32, setsockopt, "", 0, 1, 0, "try TCP_NODELAY while sending");
};

struct optest_stats {
	__u64 size_mss; /* SIZE_CALC, by what is sized */
	__u64 size_syn;
	__u64 size_synack;
	__u64 size_established;
	__u64 size_bad_arg; /* args[1] is no multiple of 4, or above 40 */
	__u64 write_request; /* WRITE, by what skops->sk is */
	__u64 write_socket;
	__u64 write_bad_arg; /* args[1] is not what was asked for */
	__u64 parse_syn; /* PARSE of the expected option, by segment */
	__u64 parse_synack;
	__u64 parse_handshake_ack; /* before any data, on the server */
	__u64 parse_data;
	__u64 parse_pure_ack;
	__u64 parse_fin;
	__u64 parse_other; /* PARSE of another option, length or value */
	__u64 setsockopt_refused;
	__u64 setsockopt_allowed;
	__u64 fields_of_request; /* tcp_sock fields read on a request: must be 0 */
};

#endif
