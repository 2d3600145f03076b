// SPDX-License-Identifier: GPL-2.0
// Objects that the loader must refuse before it bothers the kernel. One of the
// macros below is defined for each of them, see CMakeLists.txt.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define TAG(text) __attribute__((btf_decl_tag("tcpopt:" text)))

#ifdef BROKEN_RULE
struct TAG("rule=plain<=nobody") params {
#else
struct params {
#endif
	__u32 plain;
#ifdef BITFIELD
	__u32 narrow : 3;
#endif
#ifdef MISSPELT_TAG
	__u32 limited TAG("mx=5");
#endif
};

struct {
#ifdef HASH_PARAMS
	__uint(type, BPF_MAP_TYPE_HASH);
#else
	__uint(type, BPF_MAP_TYPE_ARRAY);
#endif
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct params);
} params SEC(".maps");

struct stats {
#ifdef NARROW_COUNTER
	__u32 narrow;
#else
	__u64 wide;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stats);
} stats SEC(".maps");

#ifdef UNKNOWN_LIST
#define LIST_TYPE "suffixes"
#else
#define LIST_TYPE "prefixes"
#endif
#ifdef SAME_KEY
#define LIST_TAGS TAG("param=" LIST_TYPE) TAG("key=plain")
#elif defined(BAD_DEFAULT)
#define LIST_TAGS TAG("param=" LIST_TYPE) TAG("default=10.0.0.0/33")
#else
#define LIST_TAGS TAG("param=" LIST_TYPE)
#endif

struct prefix {
#ifdef LIST_OF_OTHERS
	__u32 bits, address;
#else
	__u32 bits, address[4];
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
#ifdef LONG_LIST
	__uint(max_entries, 1025);
#else
	__uint(max_entries, 8);
#endif
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} list SEC(".maps") LIST_TAGS;

#ifdef ROLE
struct addresses {
#ifdef SMALL_ADDRESSES
	__u32 words[129];
#else
	__u32 words[130];
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u64);
	__type(value, struct addresses);
} addresses SEC(".maps")
#if defined(UNKNOWN_ROLE)
	TAG("role=local");
#elif defined(WANT_ALONE)
	;
#else
	TAG("role=local-addrs");
#endif

struct {
#ifdef WANT_NO_RING
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, __u64);
#else
	__uint(type, BPF_MAP_TYPE_RINGBUF);
#endif
	__uint(max_entries, 4096);
} want SEC(".maps")
#ifdef TWO_OF_A_ROLE
	TAG("role=local-addrs");
#else
	TAG("role=want-netns");
#endif

#ifdef BACKUP_OF_PREFIXES
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} backup SEC(".maps") TAG("param=prefixes");
#endif
#endif /* ROLE */

#ifdef NO_SOCKOPS
SEC("iter/tcp")
#else
SEC("sockops")
#endif
int first(struct bpf_sock_ops *skops)
{
	__u32 zero = 0;

	bpf_map_lookup_elem(&stats, &zero);
	return bpf_map_lookup_elem(&params, &zero) ? 1 : 0;
}

#ifdef TWO_SOCKOPS
SEC("sockops")
int second(struct bpf_sock_ops *skops)
{
	return 1;
}
#endif

#ifdef OTHER_TYPE
SEC("cgroup/skb")
int other(struct __sk_buff *skb)
{
	return 1;
}
#endif

char _license[] SEC("license") = "GPL";
