// SPDX-License-Identifier: GPL-2.0
/* ndiffports of the thesis in our words: two further subflows between the same
 * addresses, as soon as there is a session. It uses the interface exactly as
 * Listing 7.1 does; tests/paper-listing runs the printed one.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_mptcp.h"

SEC("sockops")
int listing71(struct bpf_sock_ops *skops)
{
	int answer = -1;

	skops->reply = answer;
	if (skops->op == BPF_MPTCP_FULLY_ESTABLISHED) {
		if (!skops->args[1]) /* a further subflow */
			return 0;
		for (int i = 0; i < 2; i++)
			answer = bpf_open_subflow(skops, NULL, 0, NULL, 0);
	}
	skops->reply = answer;
	return 1;
}

char _license[] SEC("license") = "GPL";
