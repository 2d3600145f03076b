// SPDX-License-Identifier: GPL-2.0
/* Congestion control request: the client names, by its id, the congestion
 * control that it would like the server to use; the server goes along if its
 * own list allows.
 *
 * On the wire: kind 253, experiment id, one byte of id. From the third ACK on
 * until a segment that carried it was acknowledged.
 */
#include "cc.h"

#include "../tcpopt_peer.h"

struct tcpopt_own {
	struct tcpopt_budget asked;
};

#include "../tcpopt_option.h"
#include "../tcpopt_algorithm.bpf.h"

#define CC_WIDTH 1
/* A client that sends nothing but pure ACKs is never acknowledged. */
#define CC_SEGMENTS 32

TCPOPT_MAPS(cc);
TCPOPT_PEERS;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CC_ALGORITHMS_MAX);
	__type(key, __u32);
	__type(value, struct tcpopt_algorithm);
} algorithms TCPOPT_MAP_PARAM_KEY("algorithms", "allow",
				  "congestion controls that clients may ask for") SEC(".maps");

static __always_inline bool cc_is_known(__u32 id)
{
	switch (id) {
#define CC_CASE(number, name) case number:
		CC_ALGORITHMS(CC_CASE)
		return true;
	}
	return false;
}

static __always_inline void cc_apply(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				     __u32 id)
{
	struct tcpopt_algorithm *wanted = bpf_map_lookup_elem(&algorithms, &id);
	char name[TCPOPT_ALGORITHM_NAME_LEN] = {}, now[TCPOPT_ALGORITHM_NAME_LEN] = {};

	if (!wanted) {
		TCPOPT_COUNT(absent);
		return;
	}
	if (!wanted->allowed) {
		TCPOPT_COUNT(not_allowed);
		return;
	}
	memcpy(name, wanted->name, sizeof(name));
	bpf_getsockopt(skops, SOL_TCP, TCP_CONGESTION, now, sizeof(now));
	if (tcpopt_same_name(name, now))
		TCPOPT_COUNT(unchanged);
	else if (!TCPOPT_HEARS(skops, &conn->own.asked))
		TCPOPT_COUNT(not_allowed);
	else if (bpf_setsockopt(skops, SOL_TCP, TCP_CONGESTION, name, sizeof(name)))
		TCPOPT_COUNT(refused);
	else
		TCPOPT_COUNT(applied);
}

static __always_inline void cc_received(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					const struct tcpopt_option *opt, bool again)
{
	if (again) {
		TCPOPT_COUNT(repeated);
	} else if (opt->width != CC_WIDTH) {
		TCPOPT_COUNT(bad_length);
	} else if (!opt->value) {
		TCPOPT_COUNT(bad_value);
	} else if (!cc_is_known(opt->value)) {
		TCPOPT_COUNT(unknown);
	} else {
		TCPOPT_COUNT(received);
		cc_apply(skops, conn, opt->value);
	}
}

static __always_inline void cc_request(struct bpf_sock_ops *skops, const struct cc_params *p)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcpopt_option opt = {
		.kind = TCPOPT_KIND_EXPERIMENT,
		.exid = p->exid,
		.value = p->request,
		.width = CC_WIDTH,
	};

	if (!conn)
		return;
	if (tcpopt_send(skops, conn, 0, &opt, TCPOPT_ON_ALL | BPF_TCP_OPTION_UNTIL_ACKED,
			CC_SEGMENTS))
		TCPOPT_COUNT(taken);
	else
		TCPOPT_COUNT(requested);
}

static const struct tcpopt_program cc_program = {
	.received = cc_received,
};

SEC("sockops")
TCPOPT_HELP("let a client choose the congestion control of the server, from a list")
TCPOPT_REQUIRES("tcp-option-calls|tcp-header-options")
int cc(struct bpf_sock_ops *skops)
{
	const struct cc_params *p = cc_params();
	struct tcpopt_conn *conn;

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (p->request)
			cc_request(skops, p);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
		if (conn && tcpopt_watch(skops, conn, 0, TCPOPT_KIND_EXPERIMENT, p->exid))
			TCPOPT_COUNT(taken);
		break;
	}
	tcpopt_run(skops, &cc_program);
	return 1;
}

char _license[] SEC("license") = "GPL";
