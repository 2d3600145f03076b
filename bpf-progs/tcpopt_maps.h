/* SPDX-License-Identifier: GPL-2.0 */
/* What every program has: its maps, and the iterator that reaches live connections. */
#ifndef TCPOPT_MAPS_H
#define TCPOPT_MAPS_H

#include "tcpopt.bpf.h"

/* The maps `params` and `stats` of a program, from its <name>_params and _stats. */
#define TCPOPT_MAPS(name)                                    \
	struct {                                             \
		__uint(type, BPF_MAP_TYPE_ARRAY);            \
		__uint(max_entries, 1);                      \
		__type(key, __u32);                          \
		__type(value, struct name##_params);         \
	} params SEC(".maps");                               \
	struct {                                             \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);     \
		__uint(max_entries, 1);                      \
		__type(key, __u32);                          \
		__type(value, struct name##_stats);          \
	} stats SEC(".maps");                                \
	static __always_inline const struct name##_params *name##_params(void) \
	{                                                    \
		__u32 zero = 0;                              \
                                                             \
		return bpf_map_lookup_elem(&params, &zero);  \
	}

#define TCPOPT_PREFIXES_MAX 1024

/* A list of prefixes, by the name of the map. */
#define TCPOPT_PREFIXES(name, ...)                           \
	struct {                                             \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);         \
		__uint(map_flags, BPF_F_NO_PREALLOC);        \
		__uint(max_entries, TCPOPT_PREFIXES_MAX);    \
		__type(key, struct tcpopt_prefix);           \
		__type(value, __u32);                        \
	} name __VA_ARGS__ SEC(".maps")

#define TCPOPT_COUNT(member)                                                     \
	do {                                                                     \
		__u32 zero_ = 0;                                                 \
		__typeof__(stats.value) s_ = bpf_map_lookup_elem(&stats, &zero_); \
		if (s_)                                                          \
			s_->member++;                                            \
	} while (0)

/* The iterator that the loader runs after `tcpoptctl set`. */
struct sock_common;
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	unsigned int uid;
} __attribute__((preserve_access_index));

#endif /* TCPOPT_MAPS_H */
