/* SPDX-License-Identifier: GPL-2.0 */
/* MPTCP options of one's own: the kernel interface as a BPF program sees it.
 *
 * Include it after tcpopt_mptcp.h. The numbers are those of the patched
 * include/uapi/linux/bpf.h (tests/infra checks it).
 *
 * An option is what follows kind 30 and the length:
 *
 *	subtype << 4 | two bits of the program << 2, experiment (2 bytes), value
 *
 * Subtype 0xf is for private use (RFC 8684, section 8.2) and shared by experiment
 * ids; a subtype that is not assigned, 9 to 14, has no experiment. Beside TCP
 * timestamps 16 bytes are left in an ACK: a value of 11 bytes, or of 10 if the
 * option is to be echoed.
 */
#ifndef TCPOPT_MPTCP_OPTION_H
#define TCPOPT_MPTCP_OPTION_H

/* skops->op, of programs that watch an option. skops->sk is the subflow. The first
 * two with BPF_SOCK_OPS_MPTCP_OPTION_WRITE_FLAG, for segments that have room.
 */
#define BPF_MPTCP_OPTIONS_SIZE_CALC 0xc8 /* bytes that there is room for; bytes wanted */
#define BPF_MPTCP_OPTIONS_WRITE 0xc9 /* bytes reserved; up to 16 in replylong */
#define BPF_MPTCP_PARSE_OPTIONS 0xca /* received: subtype, length, 4 bytes of the value */
#define BPF_MPTCP_OPTION_DONE 0xcb /* subtype << 16 | experiment, how, subflow id */

/* bpf_sock_ops_cb_flags_set(), beside those of TCP options */
#define BPF_SOCK_OPS_MPTCP_OPTION_WRITE_FLAG (1 << 18)

/* BPF_MPTCP_OPTION_DONE: how */
#define BPF_MPTCP_OPTION_SENT 1 /* as often as it was to be */
#define BPF_MPTCP_OPTION_ACKED 2
#define BPF_MPTCP_OPTION_ECHOED 3
#define BPF_MPTCP_OPTION_LOST 4 /* none of these, or the subflow is gone */
#define BPF_MPTCP_OPTION_MOVES 5 /* not done yet: lost on this subflow, another one takes it */

/* bpf_mptcp_option_send(): until when. Else how many segments, 0 for one */
#define BPF_MPTCP_OPTION_TIMES 0xff
#define BPF_MPTCP_OPTION_UNTIL_ACKED (1 << 8) /* in a segment with data */
#define BPF_MPTCP_OPTION_UNTIL_ECHOED (1 << 9) /* by the peer's kernel */

#define BPF_MPTCP_OPTION_PRIVATE 0xf /* subtype */

/* All return a negative errno if they fail; what each means is in kernel-patches/.
 * Weak: test with bpf_ksym_exists().
 */

/* Own an option in this session, and be told of its subflows. -EEXIST: another's. */
extern int bpf_mptcp_option_watch(struct bpf_sock_ops *skops, __u32 subtype,
				  __u32 exid) __ksym __weak;
/* Queue an option of one's own for a subflow, 0: any. -EMSGSIZE: it never fits. */
extern int bpf_mptcp_option_send(struct bpf_sock_ops *skops, __u32 id, const void *opt,
				 __u32 opt__sz, __u32 flags) __ksym __weak;
/* Take back what is queued. */
extern int bpf_mptcp_option_clear(struct bpf_sock_ops *skops, __u32 subtype,
				  __u32 exid) __ksym __weak;
/* In BPF_MPTCP_PARSE_OPTIONS: the option; returns its length. */
extern int bpf_mptcp_option_load(struct bpf_sock_ops *skops, void *opt,
				 __u32 opt__sz) __ksym __weak;

#endif /* TCPOPT_MPTCP_OPTION_H */
