/* SPDX-License-Identifier: GPL-2.0 */
/* What mpopt tells a test and takes from it; tests/vm/mpopt.py has the same. */
#ifndef TCPOPT_MPOPT_H
#define TCPOPT_MPOPT_H

#include "../../../bpf-progs/tcpopt_param.h"

#define MPOPT_EVENTS 4096
#define MPOPT_ORDERS 64
#define MPOPT_BYTES 40

struct mpopt_params {
	TCPOPT_PARAM(__u32, subtype, "", 0, 15, 15, "to watch in each session; 0: none");
	TCPOPT_PARAM(__u32, exid, "", 0, 65535, 0xfe01, "experiment of subtype 15");
	TCPOPT_PARAM(__u32, each, "", 0, 4, 0,
		     "in each segment with room, 1: reply, 2: store, 3: reserve only, 4: not one's own");
	TCPOPT_PARAM(__u32, size, "", 0, 64, 8, "bytes of that, subtype and experiment included");
	TCPOPT_PARAM(__u32, tick, "", 0, 0xffffffff, 0, "a change wakes all sessions");
};

struct mpopt_stats {
	__u64 events;
	__u64 missed; /* events for which there was no room */
	__u64 woken; /* sessions for which the iterator asked for WAKE */
	__u64 asked; /* segments with room */
	__u64 written; /* options that were given for them */
	__u64 refused; /* storing failed */
};

struct mpopt_event {
	__u32 op;
	__u32 args[3]; /* args[1] and on */
	__u32 loc_token;
	__u32 subflow; /* id, 0: about the session */
	__s32 watched; /* what watching returned */
	__s32 length; /* what loading the option returned */
	__u8 option[MPOPT_BYTES];
};

enum mpopt_action {
	MPOPT_SEND = 1, /* a: subflow, b: flags, option */
	MPOPT_CLEAR, /* a: subtype, b: experiment */
	MPOPT_WATCH, /* the same */
	MPOPT_CLOSE, /* a: subflow */
	MPOPT_BACKUP, /* a: subflow, b: backup? */
	MPOPT_OPEN, /* claims the session */
};

struct mpopt_order {
	__u32 state; /* 1: to be done, 2: done */
	__u32 op; /* in which callback */
	__u32 action;
	__u32 a, b;
	__u32 length; /* of `option` */
	__u32 times; /* so often in a row, at least once */
	__s32 result; /* of the last time */
	__u8 option[MPOPT_BYTES];
};

#endif
