/* SPDX-License-Identifier: GPL-2.0 */
/* An option as a program sees it, and as bytes. Part of tcpopt_option.h. */
#ifndef TCPOPT_WIRE_H
#define TCPOPT_WIRE_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define TCPOPT_KIND_EOL 0
#define TCPOPT_KIND_NOP 1
/* Shared by experiments, which an identifier tells apart (RFC 6994). */
#define TCPOPT_KIND_EXPERIMENT 253
#define TCPOPT_KIND_EXPERIMENT2 254

#define TCPOPT_OPTIONS_MAX 40 /* bytes of options in a header */

struct tcpopt_option {
	__u32 kind;
	__u32 exid; /* of kinds that are shared; above 65535 it takes 4 bytes */
	__u32 value; /* at most the first 4 bytes, as a number */
	__u32 width; /* bytes of the value; to send at most 4 */
};

/* As on the wire, in network order; 10 bytes are the most that can be sent. */
struct tcpopt_wire {
	__u64 word[2];
} __attribute__((packed)); /* within a header it has no alignment */

/* All options of a received segment. Behind them zeros, which are EOL, so that
 * a struct tcpopt_wire can be read at any offset below 64.
 */
union tcpopt_header {
	__u32 word[20];
	__u8 byte[80];
};

static __always_inline __u32 tcpopt_exid_width(__u32 kind, __u32 exid)
{
	if (kind != TCPOPT_KIND_EXPERIMENT && kind != TCPOPT_KIND_EXPERIMENT2)
		return 0;
	return exid > 0xffff ? 4 : 2;
}

/* Returns the length. Shifts, because older verifiers refuse to write to the
 * stack at an offset that they do not know.
 */
static __always_inline __u32 tcpopt_encode(const struct tcpopt_option *opt,
					   struct tcpopt_wire *wire)
{
	__u32 id = tcpopt_exid_width(opt->kind, opt->exid), len = 2 + id + opt->width;
	__u64 value = opt->width ? (__u64)opt->value << (64 - 8 * opt->width) : 0;
	__u64 first = (__u64)opt->kind << 56 | (__u64)len << 48, second = 0;

	if (id == 4) {
		first |= (__u64)opt->exid << 16 | value >> 48;
		second = value << 16;
	} else if (id == 2) {
		first |= (__u64)opt->exid << 32 | value >> 32;
	} else {
		first |= value >> 16;
	}
	wire->word[0] = bpf_cpu_to_be64(first);
	wire->word[1] = bpf_cpu_to_be64(second);
	return len;
}

/* Is it of this kind and, if experiments share the kind, this experiment? */
static __always_inline bool tcpopt_decode(const struct tcpopt_wire *wire, __u32 kind, __u32 exid,
					  struct tcpopt_option *opt)
{
	__u64 first = bpf_be64_to_cpu(wire->word[0]), second = bpf_be64_to_cpu(wire->word[1]);
	__u32 id = tcpopt_exid_width(kind, exid);
	__u32 len = first >> 48 & 0xff;
	__u64 value;

	if (!kind || first >> 56 != kind || len < 2 + id)
		return false;
	if (id == 4) {
		if ((first >> 16 & 0xffffffff) != exid)
			return false;
		value = first << 48 | second >> 16;
	} else if (id == 2) {
		if ((first >> 32 & 0xffff) != exid)
			return false;
		value = first << 32 | second >> 32;
	} else {
		value = first << 16 | second >> 48;
	}
	opt->kind = kind;
	opt->exid = exid;
	opt->width = len - 2 - id;
	if (!opt->width)
		opt->value = 0;
	else
		opt->value = value >> (opt->width < 4 ? 64 - 8 * opt->width : 32);
	return true;
}

#endif /* TCPOPT_WIRE_H */
