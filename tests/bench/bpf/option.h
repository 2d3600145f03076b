/* SPDX-License-Identifier: GPL-2.0 */
/* The option that all programs of the benchmark write and parse, and what they
 * count. Read by C++ too.
 *
 * The User Timeout of 3 s: four bytes, and nothing in the stack looks at it.
 */
#ifndef BENCH_OPTION_H
#define BENCH_OPTION_H

#include <linux/types.h>

#define BENCH_KIND 28
#define BENCH_LENGTH 4
#define BENCH_VALUE 3 /* 16 bits, network order */
#define BENCH_WORD ((__u32)BENCH_KIND << 24 | BENCH_LENGTH << 16 | BENCH_VALUE)

/* What is sent once a request: as long as the trace and span of a tracing tool,
 * which are 16 and 8 bytes. Nobody has that kind any more.
 */
#define BENCH_REQUEST_KIND 25
#define BENCH_REQUEST_LENGTH 26
#define BENCH_REQUEST                                                               \
	BENCH_REQUEST_KIND, BENCH_REQUEST_LENGTH, 0x4b, 0xf9, 0x2f, 0x35, 0x77,     \
		0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36,   \
		0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7

/* What a receiver watches that is to see an option of somebody else. */
#define BENCH_OTHER_KIND 253
#define BENCH_OTHER_EXID 0x0bec

struct bench_counts {
	__u64 parsed; /* the option, whole and with the right value */
	__u64 requests; /* for which the kernel was given the option */
	__u64 failed; /* a call of the kernel's said no, or other bytes came */
};

#ifdef __bpf__
/* The one global of an object: its .bss. */
struct bench_counts counts;

const __u8 bench_request[BENCH_REQUEST_LENGTH] = { BENCH_REQUEST };

/* Is this segment, which is being sized, the first of a request? Nothing is in
 * flight then.
 */
static __always_inline int bench_request_starts(struct bpf_sock_ops *skops)
{
	return skops->skb_len && skops->snd_nxt == skops->snd_una;
}

#define BENCH_PARSED(opt, length)                                                   \
	do {                                                                        \
		if ((length) == BENCH_LENGTH &&                                     \
		    ((opt)[2] << 8 | (opt)[3]) == BENCH_VALUE)                      \
			counts.parsed++;                                            \
		else                                                                \
			counts.failed++;                                            \
	} while (0)

/* What the papers' fourth scenario does with each received option. */
static __always_inline void bench_get_and_set(struct bpf_sock_ops *skops)
{
	int timeout = 0;

	if (bpf_getsockopt(skops, SOL_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout)))
		counts.failed++;
	timeout = BENCH_VALUE * 1000;
	if (bpf_setsockopt(skops, SOL_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout)))
		counts.failed++;
}
#endif

#endif /* BENCH_OPTION_H */
