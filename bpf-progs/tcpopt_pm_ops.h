/* SPDX-License-Identifier: GPL-2.0 */
/* MPTCP path managers of struct_ops: the kernel interface as a BPF program sees it.
 *
 * Sessions choose one by its name, in a program of type sock_ops. Its operations
 * come in process context with the session locked, and are loaded as ones that
 * sleep: what they ask for is done at once. What
 * programs share on top of it is in tcpopt_pm_session.h. A program has to read
 * something of a struct mptcp_sock, or libbpf 1.1 takes it for another type than
 * the kernel's.
 */
#ifndef TCPOPT_PM_OPS_H
#define TCPOPT_PM_OPS_H

#include "tcpopt_mptcp_sk.h"
#include "tcpopt_param.h"
#include <bpf/bpf_tracing.h>

/* BPF_PROG() has one of its own. */
#pragma clang diagnostic ignored "-Wunused-parameter"

#define MPTCP_PM_NAME_MAX 16 /* with its NUL */

/* All but `established` are optional. @why and @detail: as of BPF_MPTCP_SUB_CLOSED. */
struct mptcp_pm_ops {
	/* the peer opens a subflow; false: refused. In softirq: must not sleep, or call */
	bool (*accept_new_subflow)(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf);
	/* fully established, and accepted; or this path manager takes over */
	void (*established)(struct mptcp_sock *msk);
	void (*subflow_established)(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf);
	/* not of those that the program itself closes */
	void (*subflow_closed)(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf,
			       __u32 why, __u32 detail);
	void (*subflow_priority)(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf);
	/* up to 8 at a time; an id may come again with another port */
	void (*add_addr_received)(struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr);
	void (*rm_addr_received)(struct mptcp_sock *msk, __u32 id);
	/* address and interface of @sf; of no family: some were missed */
	void (*local_addr)(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf, bool up);
	void (*announced)(struct mptcp_sock *msk); /* after -EBUSY: there is room */
	void (*data_received)(struct mptcp_sock *msk); /* the application has read some */
	void (*timer)(struct mptcp_sock *msk); /* and after bpf_mptcp_wake_all() */
	char name[MPTCP_PM_NAME_MAX];
};

/* bpf_for_each(mptcp_subflow, sf, msk): a copy of what is known of each subflow. */
struct bpf_iter_mptcp_subflow {
	__u64 opaque[10];
} __attribute__((aligned(8)));
extern int bpf_iter_mptcp_subflow_new(struct bpf_iter_mptcp_subflow *it,
				      struct mptcp_sock *msk) __ksym __weak;
extern struct bpf_mptcp_subflow *
bpf_iter_mptcp_subflow_next(struct bpf_iter_mptcp_subflow *it) __ksym __weak;
extern void bpf_iter_mptcp_subflow_destroy(struct bpf_iter_mptcp_subflow *it) __ksym __weak;

/* One more subflow; what is not given, or 0, is as of bpf_open_subflow(). Its id; -EAGAIN
 * after 32 tries in one operation. Where there is no route by the interface that is given, the peer is
 * taken to be on its link; -ENETUNREACH with this flag.
 */
#define BPF_MPTCP_OPEN_ROUTED (1 << 16)
extern int bpf_mptcp_pm_open(struct mptcp_sock *msk, const struct bpf_mptcp_subflow *sf,
			     __u32 sf__sz) __ksym __weak;
/* When the operation has returned. -ENOENT: there is none. */
extern int bpf_mptcp_pm_close(struct mptcp_sock *msk, __u32 id) __ksym __weak;
/* Have timer() called after so many ms. One a session: an earlier one stays. */
extern void bpf_mptcp_pm_timer(struct mptcp_sock *msk, __u32 msecs) __ksym __weak;

/* ADD_ADDR, its id; RM_ADDR, which has no echo and may be said again. -EBUSY: the one
 * before was not sent yet.
 */
extern int bpf_mptcp_pm_announce(struct mptcp_sock *msk, const struct bpf_mptcp_addr *addr,
				 __u32 addr__sz) __ksym __weak;
extern int bpf_mptcp_pm_withdraw(struct mptcp_sock *msk, __u32 id) __ksym __weak;
/* These as the functions of sock_ops programs. */
extern int bpf_mptcp_pm_set_backup(struct mptcp_sock *msk, __u32 id, __u32 backup) __ksym __weak;
extern int bpf_mptcp_pm_set_scheduler(struct mptcp_sock *msk, const void *name,
				      __u32 name__sz) __ksym __weak;
extern int bpf_mptcp_pm_set_idle_timeout(struct mptcp_sock *msk, __u32 msecs) __ksym __weak;

/* At file scope: the name that is chosen. The loader gives each attachment one of its
 * own, here and in the struct.
 */
#define PM_NAME(name) const volatile char pm_name[MPTCP_PM_NAME_MAX] = name
/* In BPF_MPTCP_NEW_SESSION */
#define pm_choose(skops) bpf_mptcp_claim(skops, (const void *)pm_name, sizeof(pm_name))

/* Not in Debian's libbpf */
#ifndef bpf_for_each
#define bpf_for_each(type, each, ...)                                                        \
	for (struct bpf_iter_##type it_                                                      \
	     __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),                \
	     *begun_ __attribute__((unused)) = (bpf_iter_##type##_new(&it_, __VA_ARGS__),    \
						(void)bpf_iter_##type##_destroy, (void *)0); \
	     ((each) = bpf_iter_##type##_next(&it_));)
#endif
/* Before an argument of a function that is not static: the kernel's pointer itself. */
#ifndef __arg_trusted
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#endif

#endif /* TCPOPT_PM_OPS_H */
