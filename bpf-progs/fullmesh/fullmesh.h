/* SPDX-License-Identifier: GPL-2.0 */
/* Path manager fullmesh: what the program and C++ share. */
#ifndef TCPOPT_FULLMESH_H
#define TCPOPT_FULLMESH_H

#include "../tcpopt_pm_param.h"

struct fullmesh_params {
	TCPOPT_PARAM(__u32, per_interface, "", 0, 32, 0,
		     "most subflows of a session on one interface; 0: no limit");
	TCPOPT_PARAM(__u32, announce, "", 0, 1, 0,
		     "1: tell the peers of sessions that this end accepted its further addresses");
	TCPOPT_PARAM(__u32, server, "", 0, 1, 0,
		     "1: open subflows of sessions that this end accepted, too");
	TCPOPT_PARAM(__u32, retry, "ms", 10, 3600000, 1000,
		     "wait before two addresses are tried again; doubled each time that was in vain");
	TCPOPT_PARAM(__u32, retry_max, "ms", 10, 3600000, 60000, "longest such wait");
	TCPOPT_PARAM(__u32, prohibited, "s", 0, 604800, 0,
		     "wait before two addresses are tried again if the peer's RST says that it does "
		     "not want that; 0: for ever");
	/* By this name the loader looks for it. */
	TCPOPT_PARAM(__u32, temporary, "", 0, 2, 1,
		     "IPv6 addresses that are temporary (RFC 8981); 0: never, 1: too, 2: nothing new "
		     "from the others of an interface that has some");
	PM_PARAM_PRIVATE;
};

/* Counted per attachment, summed over CPUs. */
struct fullmesh_stats {
	TCPOPT_COUNTER(sessions, "claimed");
	TCPOPT_COUNTER(busy, "sessions not claimed: another program's");
	TCPOPT_COUNTER(no_memory, "sessions not claimed: no memory, or on the way in or out");
	TCPOPT_COUNTER(asked, "sessions in a namespace whose addresses the loader was asked for");
	TCPOPT_COUNTER(remote, "addresses that a peer announced");
	TCPOPT_COUNTER(remote_gone, "of these, and of first ones, taken back");
	TCPOPT_COUNTER(left_out, "addresses, of either end, for which there was no room");
	TCPOPT_COUNTER(opened, "subflows asked of the kernel");
	TCPOPT_COUNTER(established, "subflows that joined, those of the peer included");
	TCPOPT_COUNTER(refused, "calls that the kernel refused, of any kind");
	TCPOPT_COUNTER(ended, "subflows that ended without being closed here");
	TCPOPT_COUNTER(failed, "subflows that never came to be");
	TCPOPT_COUNTER(prohibited, "pairs of addresses given up: the peer does not want a subflow");
	TCPOPT_COUNTER(local_gone, "local addresses that a session could use and now cannot");
	TCPOPT_COUNTER(closed, "subflows closed: their local address is gone");
	TCPOPT_COUNTER(over, "subflows closed: more than `per_interface`");
	TCPOPT_COUNTER(announced, "local addresses told to a peer");
	TCPOPT_COUNTER(withdrawn, "local addresses of which a peer was told that they are gone");
	TCPOPT_COUNTER(priority, "subflows that became a backup, or no longer are one");
	TCPOPT_COUNTER(not_followed, "addresses that a peer announced and should not have");
};

#ifdef __cplusplus
static_assert(sizeof(fullmesh_params) == 32, "as the BPF side has it");
static_assert(sizeof(fullmesh_stats) == 160, "as the BPF side has it");
#else
_Static_assert(sizeof(struct fullmesh_params) == 32, "as the C++ side has it");
_Static_assert(sizeof(struct fullmesh_stats) == 160, "as the C++ side has it");
#endif

#endif /* TCPOPT_FULLMESH_H */
