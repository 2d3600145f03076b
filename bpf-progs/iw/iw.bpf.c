// SPDX-License-Identifier: GPL-2.0
/* Initial window request: each end may ask the other for an initial congestion
 * window, the client in the third ACK (and what it sends before it hears from
 * the server, as that ACK may be lost), the server in the SYN-ACK.
 *
 * A window that anyone could ask for would make any server an amplifier. So it
 * is never asked for in a SYN, whose source may be forged, and a request counts
 * only from a peer within `trusted`.
 *
 * On the wire: kind 253, experiment id, two bytes of MSS.
 */
#include "iw.h"

struct tcpopt_own {
	__u32 applied; /* MSS, what this program set; 0: nothing */
};

#include "../tcpopt_option.h"
#include "../tcpopt_peer.h"

#define IW_WIDTH 2

TCPOPT_MAPS(iw);

TCPOPT_PREFIXES(trusted, TCPOPT_MAP_PARAM("prefixes", "peers that may ask for an initial window"));

static __always_inline void iw_apply(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				     const struct iw_params *p, __u32 asked)
{
	int window = asked < p->max_window ? asked : p->max_window;

	/* The client repeats itself until it is answered. */
	if (conn->own.applied == (__u32)window)
		return;
	/* The kernel refuses it once data was sent. */
	if (bpf_setsockopt(skops, SOL_TCP, TCP_BPF_IW, &window, sizeof(window))) {
		TCPOPT_COUNT(late);
		return;
	}
	conn->own.applied = window;
	TCPOPT_COUNT(applied);
	if (asked > p->max_window)
		TCPOPT_COUNT(capped);
}

static __always_inline void iw_received(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
					const struct tcpopt_option *opt, bool again)
{
	const struct iw_params *p = iw_params();

	if (!p)
		return;
	if (again) {
		TCPOPT_COUNT(repeated);
	} else if (opt->width != IW_WIDTH) {
		TCPOPT_COUNT(bad_length);
	} else if (!opt->value) {
		TCPOPT_COUNT(bad_value);
	} else {
		TCPOPT_COUNT(received);
		if (tcpopt_is_within(skops, &trusted))
			iw_apply(skops, conn, p, opt->value);
		else
			TCPOPT_COUNT(untrusted);
	}
}

static __always_inline bool iw_option(struct tcpopt_option *opt)
{
	const struct iw_params *p = iw_params();

	if (!p || !p->window)
		return false;
	opt->kind = TCPOPT_KIND_EXPERIMENT;
	opt->exid = p->exid;
	opt->value = p->window;
	opt->width = IW_WIDTH;
	return true;
}

/* SYN-ACKs */
static __always_inline bool iw_offer(struct bpf_sock_ops *skops, struct tcpopt_conn *conn,
				     struct tcpopt_option *opt)
{
	(void)skops;
	return !conn && iw_option(opt);
}

static __always_inline void iw_established(struct bpf_sock_ops *skops, const struct iw_params *p)
{
	struct tcpopt_conn *conn = tcpopt_conn(skops, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcpopt_option opt;

	if (!conn)
		return;
	if (tcpopt_watch(skops, conn, 0, TCPOPT_KIND_EXPERIMENT, p->exid)) {
		TCPOPT_COUNT(taken);
		return;
	}
	if (skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		tcpopt_accepted(skops);
	if (!iw_option(&opt))
		return;
	if (skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		TCPOPT_COUNT(requested);
	else if (tcpopt_send(skops, conn, 0, &opt, BPF_TCP_OPTION_ON_FIRST, 0))
		TCPOPT_COUNT(taken);
	else
		TCPOPT_COUNT(requested);
}

static const struct tcpopt_program iw_program = {
	.received = iw_received,
	.offer = iw_offer,
	.early = true,
};

SEC("sockops")
TCPOPT_HELP("let trusted peers ask for an initial congestion window")
TCPOPT_REQUIRES("tcp-option-calls|tcp-header-options")
int iw(struct bpf_sock_ops *skops)
{
	const struct iw_params *p = iw_params();

	if (!p)
		return 1;
	switch (skops->op) {
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		tcpopt_listen(skops);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		iw_established(skops, p);
		break;
	}
	tcpopt_run(skops, &iw_program);
	return 1;
}

char _license[] SEC("license") = "GPL";
