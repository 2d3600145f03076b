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
 * @unit: "s", "ms", "B"; "" for a plain number
 * @min, @max, @dflt: literals, inclusive
 * @help: one line for `tcpoptctl programs`
 */
#define TCPOPT_PARAM(type, name, unit, min, max, dflt, help)            \
	type name TCPOPT_TAG("unit=" unit) TCPOPT_TAG("min=" #min)      \
		TCPOPT_TAG("max=" #max) TCPOPT_TAG("default=" #dflt)    \
			TCPOPT_TAG("help=" help)

/* On the sock_ops program: a kernel feature it cannot do without, by the name
 * that `tcpoptctl check` gives it.
 */
#define TCPOPT_REQUIRES(feature) TCPOPT_TAG("requires=" feature)
/* On the sock_ops program: what it is for, in one line. */
#define TCPOPT_HELP(text) TCPOPT_TAG("help=" text)

#endif /* TCPOPT_PARAM_H */
