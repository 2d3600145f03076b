/* SPDX-License-Identifier: GPL-2.0 */
/* How a program declares its parameters and counters.
 *
 * A program may have an array map `params` with one entry and a per-CPU array
 * map `stats` with one entry. The loader learns names, types, units and ranges
 * from the BTF of the entry's struct, so a new program needs no line of C++.
 * The same header is read by C++, where the tags vanish.
 */
#ifndef TCPOPT_PARAM_H
#define TCPOPT_PARAM_H

#include <linux/types.h>

#ifdef __bpf__
#define TCPOPT_TAG(text) __attribute__((btf_decl_tag("tcpopt:" text)))
#else
#define TCPOPT_TAG(text)
#endif

/* One member of the parameter struct.
 * @type, @name: as in C; the name is the key of `tcpoptctl set`
 * @unit: "s", "ms", "B"; "" for a plain number; "hex" for one that is shown in base 16
 * @min, @max, @dflt: literals, inclusive; of a bool 0, 1 and one of them
 * @help: one line for `tcpoptctl programs`
 */
#define TCPOPT_PARAM(type, name, unit, min, max, dflt, help)            \
	type name TCPOPT_TAG("unit=" unit) TCPOPT_TAG("min=" #min)      \
		TCPOPT_TAG("max=" #max) TCPOPT_TAG("default=" #dflt)    \
			TCPOPT_TAG("help=" help)

/* The same, where a value other than the default takes a kernel feature that
 * the program itself can do without: refused where it is missing.
 */
#define TCPOPT_PARAM_NEEDS(feature, type, name, unit, min, max, dflt, help) \
	TCPOPT_PARAM(type, name, unit, min, max, dflt, help)                \
		TCPOPT_TAG("requires=" feature)

/* Between `struct` and the name of the parameter struct: @lower must not be above
 * @upper, whatever is set. The second one lets @upper be 0, too.
 */
#define TCPOPT_RULE(lower, upper) TCPOPT_TAG("rule=" #lower "<=" #upper)
#define TCPOPT_RULE_OR_ZERO(lower, upper) TCPOPT_TAG("rule=" #lower "<=" #upper "|0")

/* A congestion control: its name on the command line, its id (bpf-progs/cc/cc.h)
 * in the struct; `none` is 0.
 */
#define TCPOPT_PARAM_ALGORITHM(name, help)                              \
	__u32 name TCPOPT_TAG("type=algorithm") TCPOPT_TAG("default=none") \
		TCPOPT_TAG("help=" help)

/* The same with packet schedulers of MPTCP (bpf-progs/scheduler/scheduler.h). */
#define TCPOPT_PARAM_SCHEDULER(name, help)                              \
	__u32 name TCPOPT_TAG("type=scheduler") TCPOPT_TAG("default=none") \
		TCPOPT_TAG("help=" help)

/* Behind the name of a map that is a parameter too long for the struct; the key
 * of `tcpoptctl set` is the map's name.
 * @type: "prefixes": an LPM trie of struct tcpopt_prefix to __u32 1
 *        "algorithms", "schedulers": a hash of id to struct tcpopt_algorithm
 *        "interfaces": a hash of struct tcpopt_ifname (tcpopt_addr.h) to __u32 1
 *        "address-kinds": a hash of TCPOPT_ADDR_KIND_* (tcpopt_addr.h) to __u32 1
 */
#define TCPOPT_MAP_PARAM(type, help) TCPOPT_TAG("param=" type) TCPOPT_TAG("help=" help)
/* What the list has unless somebody says otherwise; none without it. */
#define TCPOPT_MAP_DEFAULT(text) TCPOPT_TAG("default=" text)
/* The same with a key of its own. */
#define TCPOPT_MAP_PARAM_KEY(type, key, help) \
	TCPOPT_MAP_PARAM(type, help) TCPOPT_TAG("key=" key)

/* IPv4 as ::ffff:a.b.c.d with 96 more bits, so that one map holds both. */
struct tcpopt_prefix {
	__u32 bits;
	__u8 addr[16];
};

#define TCPOPT_ALGORITHM_NAME_LEN 16 /* TCP_CA_NAME_MAX, MPTCP_SCHED_NAME_MAX */
struct tcpopt_algorithm {
	char name[TCPOPT_ALGORITHM_NAME_LEN];
	__u32 allowed;
};

#ifdef __cplusplus
static_assert(sizeof(tcpopt_prefix) == 20 && sizeof(tcpopt_algorithm) == 20,
	      "as the BPF side has them");
#else
_Static_assert(sizeof(struct tcpopt_prefix) == 20 && sizeof(struct tcpopt_algorithm) == 20,
	       "as the C++ side has them");
#endif

/* On the sock_ops program: a kernel feature it cannot do without, by the name
 * that `tcpoptctl check` gives it; "a|b" is satisfied by either.
 */
#define TCPOPT_REQUIRES(feature) TCPOPT_TAG("requires=" feature)
/* On the sock_ops program: what it is for, in one line. */
#define TCPOPT_HELP(text) TCPOPT_TAG("help=" text)

/* In the struct of `stats`: a counter, and what it counts. */
#define TCPOPT_COUNTER(name, help) __u64 name TCPOPT_TAG("help=" help)

#endif /* TCPOPT_PARAM_H */
