/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel interface as a BPF program sees it.
 *
 * Include it first. Debian's <linux/bpf.h> does not know the callbacks that
 * kernel-patches/ add, so their numbers stand here; they must be those of the
 * patched include/uapi/linux/bpf.h (tests/infra checks it).
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
#define BPF_TCP_PARSE_OPTIONS 0xc2 /* args[1..3]: kind, length, value; [0]: more copies */
#define BPF_TCP_OPTIONS_LOST 0xc3 /* the path drops segments with options: no more are sent */

/* BPF_TCP_OPTIONS_SIZE_CALC: args[1..3] are bytes of options so far, bytes that
 * there are, and of these with upstream's values
 * BPF_WRITE_HDR_TCP_CURRENT_MSS	no segment: how much of each is for options?
 * BPF_WRITE_HDR_TCP_SYNACK_COOKIE	a SYN-ACK that nothing will remember
 */
#define BPF_TCP_OPTIONS_RETRANSMIT (1 << 8) /* was sent before */

/* bpf_sock_ops_cb_flags_set(); a field of their own in the socket */
#define BPF_SOCK_OPS_OPTION_WRITE_FLAG (1 << 16)
#define BPF_SOCK_OPS_OPTION_PARSE_FLAG (1 << 17)

/* bpf_tcp_option_set(): which segments carry the template */
#define BPF_TCP_OPTION_ON_SYN (1 << 0)
#define BPF_TCP_OPTION_ON_SYNACK (1 << 1)
#define BPF_TCP_OPTION_ON_FIRST (1 << 2) /* third ACK, and the like until answered */
#define BPF_TCP_OPTION_ON_ACK (1 << 3) /* pure ACKs */
#define BPF_TCP_OPTION_ON_DATA (1 << 4) /* data and FIN */
/* Ends when a segment that carried it and takes sequence space was acknowledged. */
#define BPF_TCP_OPTION_UNTIL_ACKED (1 << 8)

#ifndef SOL_TCP
#define SOL_TCP 6
#endif
/* bpf_setsockopt(): the flags above, from outside of a callback */
#ifndef TCP_BPF_SOCK_OPS_CB_FLAGS
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008
#endif

/* bpf_setsockopt(), bpf_getsockopt(), SOL_TCP */
#define TCP_BPF_DELACK_RTT 1200 /* timeout in % of the minimum RTT, 1..1000; 0: Linux's */
#define TCP_BPF_DELACK_SEGS 1201 /* MSS of data that force an ACK, 1..255; 0: Linux's */
#define TCP_BPF_ACK_NOW 1202 /* acknowledge once this segment was processed */

/* One whole option each, from its kind. exid: of kinds 253 and 254, above 0xffff
 * the 32-bit ones of RFC 6994. All return a negative errno if they fail. Weak:
 * test with bpf_ksym_exists(), on a kernel without them the call is dead code.
 */
extern int bpf_tcp_option_watch(struct bpf_sock_ops *skops, __u32 kind,
				__u32 exid) __ksym __weak;
extern int bpf_tcp_option_set(struct bpf_sock_ops *skops, const void *opt, __u32 opt__sz,
			      __u32 where, __u32 times) __ksym __weak;
extern int bpf_tcp_option_clear(struct bpf_sock_ops *skops, __u32 kind,
				__u32 exid) __ksym __weak;
extern int bpf_tcp_option_release(struct bpf_sock_ops *skops, __u32 kind,
				  __u32 exid) __ksym __weak;
extern int bpf_tcp_option_store(struct bpf_sock_ops *skops, const void *opt,
				__u32 opt__sz) __ksym __weak;
extern int bpf_tcp_option_load(struct bpf_sock_ops *skops, void *opt,
			       __u32 opt__sz) __ksym __weak;

#ifndef bpf_ksym_exists /* since libbpf 1.2 */
#define bpf_ksym_exists(symbol) (!!(symbol))
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
