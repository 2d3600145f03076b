/* SPDX-License-Identifier: GPL-2.0 */
/* fullmesh: have the peer know which subflows are backups and which addresses are gone.
 * Neither MP_PRIO nor REMOVE_ADDR has an echo (RFC 8684, sections 3.3.8 and 3.4.2), so each
 * is told again, in case it was lost.
 */
#ifndef TCPOPT_FULLMESH_REPEAT_H
#define TCPOPT_FULLMESH_REPEAT_H

#define FM_REPEATS 3
#define FM_REPEAT_WAIT 1000 /* ms before the first one; doubled each time */

static __always_inline void fm_repeat(struct fm_repeat *r, __u32 now)
{
	r->left = FM_REPEATS;
	r->at = now + FM_REPEAT_WAIT;
}

static __always_inline bool fm_is_due(const struct fm_repeat *r, __u32 now)
{
	return r->left && (__s32)(now - r->at) >= 0;
}

static __always_inline void fm_repeated(struct fm_repeat *r, __u32 now)
{
	r->left--;
	r->at = now + (FM_REPEAT_WAIT << (FM_REPEATS - r->left));
}

static __always_inline void fm_set_backup(struct mptcp_sock *msk, struct fm_local *local,
					  const struct bpf_mptcp_subflow *sf)
{
	bool is = sf->flags & BPF_MPTCP_SUBFLOW_BACKUP, want = local->backup;
	__u32 now = pm_now();

	if (sf->state != PM_ESTABLISHED || !(sf->flags & BPF_MPTCP_SUBFLOW_ACTIVE) ||
	    !(local->state & FM_KNOWN) || (is == want && !fm_is_due(&local->prio, now)))
		return;
	if (bpf_mptcp_pm_set_backup(msk, sf->id, want)) {
		PM_COUNT(refused);
		return;
	}
	if (is == want)
		return;
	PM_COUNT(priority);
	fm_repeat(&local->prio, now);
}

/* After all subflows were looked at. Returns the ms until it is to be said again, 0: not. */
__noinline __u32 fm_prio_next(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	__u32 now = pm_now(), next = 0;

	if (!own)
		return 0;
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++) {
		struct fm_local *local = &own->local[l];

		if (fm_is_due(&local->prio, now))
			fm_repeated(&local->prio, now);
		if (local->prio.left)
			next = pm_sooner(next, local->prio.at - now);
	}
	return next;
}

static __always_inline void fm_is_gone(struct tcpopt_own *own, __u32 id)
{
	struct fm_gone *gone = &own->gone[own->gone_next++ % FM_GONE];

	gone->id = id;
	fm_repeat(&gone->repeat, pm_now());
}

/* An address that came back, as one may that was the first. */
static __always_inline bool fm_id_is_used(const struct tcpopt_own *own, __u32 id)
{
	for (__u32 l = 0; l < FM_LOCALS && l < own->places; l++)
		if (own->local[l].state & FM_SEEN && own->local[l].id == id)
			return true;
	return false;
}

/* Returns the ms until something is to be told again, 0: nothing is. */
__noinline __u32 fm_tell_gone(struct mptcp_sock *msk __arg_trusted)
{
	struct tcpopt_own *own = pm_own(msk);
	__u32 now = pm_now(), next = 0;

	if (!own)
		return 0;
	for (__u32 i = 0; i < FM_GONE; i++) {
		struct fm_gone *gone = &own->gone[i];

		if (fm_is_due(&gone->repeat, now)) {
			if (fm_id_is_used(own, gone->id))
				gone->repeat.left = 1;
			else if (bpf_mptcp_pm_withdraw(msk, gone->id) == -PM_EBUSY)
				break; /* announced() comes */
			fm_repeated(&gone->repeat, now);
		}
		if (gone->repeat.left)
			next = pm_sooner(next, gone->repeat.at - now);
	}
	return next;
}

#endif /* TCPOPT_FULLMESH_REPEAT_H */
