/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel interface as a BPF program sees it.
 *
 * Include it first. Debian's <linux/bpf.h> does not know the callbacks that
 * kernel-patches/ add, so their numbers stand here; they must be those of the
 * patched include/uapi/linux/bpf.h (tests/unit checks it).
 */
#ifndef TCPOPT_BPF_H
#define TCPOPT_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* skops->op */
#define BPF_TCP_OPTIONS_SIZE_CALC 0xc0 /* reply: bytes wanted */
#define BPF_TCP_OPTIONS_WRITE 0xc1 /* replylong: the bytes */
#define BPF_TCP_PARSE_OPTIONS 0xc2 /* args[1..3]: kind, length, value */

/* bpf_sock_ops_cb_flags_set(); a field of their own in the socket */
#define BPF_SOCK_OPS_OPTION_WRITE_FLAG (1 << 16)
#define BPF_SOCK_OPS_OPTION_PARSE_FLAG (1 << 17)

#ifndef SOL_TCP
#define SOL_TCP 6
#endif
/* bpf_setsockopt(): the flags above, from outside of a callback */
#ifndef TCP_BPF_SOCK_OPS_CB_FLAGS
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008
#endif

/* One word of the reply. clang may merge a plain store, even a volatile one,
 * with the store to another member into one at a computed offset, and that the
 * verifier refuses ("dereference of modified ctx ptr").
 */
#define TCPOPT_REPLY(skops, word, value)                                             \
	asm volatile("*(u32 *)(%0 + %1) = %2"                                        \
		     :                                                               \
		     : "r"(skops), "i"(__builtin_offsetof(struct bpf_sock_ops, replylong) + \
				       4 * (word)),                                  \
		       "r"((__u32)(value))                                           \
		     : "memory")

#define memcpy(to, from, n) __builtin_memcpy(to, from, n)
#define memset(to, c, n) __builtin_memset(to, c, n)

#endif /* TCPOPT_BPF_H */
