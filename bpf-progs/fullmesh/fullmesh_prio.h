/* SPDX-License-Identifier: GPL-2.0 */
/* fullmesh: have the peer know which subflows are backups. MP_PRIO has no echo (RFC 8684,
 * section 3.3.8), so it is said again, in case it was lost.
 */
#ifndef TCPOPT_FULLMESH_PRIO_H
#define TCPOPT_FULLMESH_PRIO_H

#define FM_PRIO_REPEATS 3
#define FM_PRIO_WAIT 1000 /* ms before the first one; doubled each time */

static __always_inline bool fm_prio_is_due(const struct fm_local *local, __u32 now)
{
	return local->prio_repeats && (__s32)(now - local->prio_at) >= 0;
}

static __always_inline void fm_set_backup(struct mptcp_sock *msk, struct fm_local *local,
					  const struct bpf_mptcp_subflow *sf)
{
	bool is = sf->flags & BPF_MPTCP_SUBFLOW_BACKUP, want = local->backup;
	__u32 now = pm_now();

	if (sf->state != PM_ESTABLISHED || !(sf->flags & BPF_MPTCP_SUBFLOW_ACTIVE) ||
	    !(local->state & FM_KNOWN) || (is == want && !fm_prio_is_due(local, now)))
		return;
	if (bpf_mptcp_pm_set_backup(msk, sf->id, want)) {
		PM_COUNT(refused);
		return;
	}
	if (is == want)
		return;
	PM_COUNT(priority);
	local->prio_repeats = FM_PRIO_REPEATS;
	local->prio_at = now + FM_PRIO_WAIT;
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

		if (fm_prio_is_due(local, now)) {
			local->prio_repeats--;
			local->prio_at = now + (FM_PRIO_WAIT
						<< (FM_PRIO_REPEATS - local->prio_repeats));
		}
		if (local->prio_repeats)
			next = pm_sooner(next, local->prio_at - now);
	}
	return next;
}

#endif /* TCPOPT_FULLMESH_PRIO_H */
