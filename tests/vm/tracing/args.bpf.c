// SPDX-License-Identifier: GPL-2.0
/* Calls each function that takes memory with each kind of pointer the verifier
 * knows, in every callback: one program a pair, `FUNCTION_KIND`. What it calls
 * with otherwise (lengths, segments) a test writes to `control`.
 */
#include "../../../bpf-progs/tcpopt.bpf.h"
#include "../../../bpf-progs/tcpopt_mptcp.h"
#include "../../../bpf-progs/tcpopt_mptcp_option.h"

#define ROOM 48 /* bytes that there are */
#define HEADER 20 /* that every segment has */

struct control {
	__u32 length;
	__u32 where;
	__u32 kind; /* of the option that the bytes begin with */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct value {
	__u8 bytes[ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* may change at any time */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps"); /* calls that succeeded, that failed */

const volatile __u8 constant[ROOM] = {0xfd, 4, 0xbe, 0xef};

static __always_inline void count(long ret)
{
	__u32 i = ret < 0;
	__u64 *n = bpf_map_lookup_elem(&results, &i);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct control *settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* Own something first, so that there is something to load and to send. */
static __always_inline void own(struct bpf_sock_ops *skops, const struct control *c)
{
	if (skops->op == BPF_SOCK_OPS_TCP_CONNECT_CB || skops->op == BPF_SOCK_OPS_TCP_LISTEN_CB ||
	    skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		bpf_tcp_option_watch(skops, c->kind, c->kind >= 253 ? 0xbeef : 0);
		bpf_sock_ops_cb_flags_set(skops, BPF_SOCK_OPS_OPTION_WRITE_FLAG |
							 BPF_SOCK_OPS_OPTION_PARSE_FLAG);
	}
	if (skops->op == BPF_MPTCP_NEW_SESSION)
		bpf_mptcp_option_watch(skops, 0xf, 0xbeef);
}

#define SET(mem, n) bpf_tcp_option_set(skops, mem, n, c->where, 0)
#define STORE(mem, n) bpf_tcp_option_store(skops, mem, n)
#define LOAD(mem, n) bpf_tcp_option_load(skops, mem, n)
#define SEND(mem, n) bpf_mptcp_option_send(skops, 0, mem, n, 0)
#define MPLOAD(mem, n) bpf_mptcp_option_load(skops, mem, n)
#define SUBFLOW(mem, n) bpf_mptcp_load_subflow(skops, 0, mem, n)
#define OPEN(mem, n) bpf_open_subflow(skops, (void *)(mem), n, NULL, 0)

/* Each kind: `mem` is made to point at `room` bytes. */
#define STACK __u8 bytes[ROOM] = {0xfd, 4, 0xbe, 0xef}; void *mem = bytes; __u32 room = ROOM;
#define VALUE                                                      \
	__u32 zero = 0, room = ROOM;                               \
	void *mem = bpf_map_lookup_elem(&values, &zero);           \
	if (!mem)                                                  \
		return 1;
#define UNTESTED __u32 zero = 0, room = ROOM; void *mem = bpf_map_lookup_elem(&values, &zero);
#define NOTHING void *mem = NULL; __u32 room = ROOM;
#define CONSTANT void *mem = (void *)constant; __u32 room = ROOM;
#define PACKET                                                     \
	void *mem = skops->skb_data;                               \
	__u32 room = HEADER;                                       \
	if (mem + HEADER > (void *)skops->skb_data_end)            \
		return 1;
#define RING                                                       \
	__u32 room = ROOM;                                         \
	void *mem = bpf_ringbuf_reserve(&ring, ROOM, 0);           \
	if (!mem)                                                  \
		return 1;
#define CONTEXT void *mem = skops; __u32 room = HEADER;
#define SOCKET                                                     \
	void *mem = skops->sk;                                     \
	__u32 room = HEADER;                                       \
	if (!mem)                                                  \
		return 1;
#define KERNEL                                                     \
	struct bpf_sock *sock_ = skops->sk;                        \
	void *mem = sock_ ? bpf_skc_to_tcp_sock(sock_) : NULL;     \
	__u32 room = HEADER;                                       \
	if (!mem)                                                  \
		return 1;

#define KEEP
#define DISCARD bpf_ringbuf_discard(mem, 0);

#define PROGRAM(function, kind, after)                             \
	SEC("sockops")                                             \
	int function##_##kind(struct bpf_sock_ops *skops)          \
	{                                                          \
		struct control *c = settings();                    \
		__u32 n;                                           \
								   \
		if (!c)                                            \
			return 1;                                  \
		own(skops, c);                                     \
		n = c->length;                                     \
		kind if (n > room) n = room;                       \
		count(function(mem, n));                           \
		after return 1;                                    \
	}

#define EVERY(function)                                            \
	PROGRAM(function, STACK, KEEP)                             \
	PROGRAM(function, VALUE, KEEP)                             \
	PROGRAM(function, UNTESTED, KEEP)                          \
	PROGRAM(function, NOTHING, KEEP)                           \
	PROGRAM(function, CONSTANT, KEEP)                          \
	PROGRAM(function, PACKET, KEEP)                            \
	PROGRAM(function, RING, DISCARD)                           \
	PROGRAM(function, CONTEXT, KEEP)                           \
	PROGRAM(function, SOCKET, KEEP)                            \
	PROGRAM(function, KERNEL, KEEP)

EVERY(SET)
EVERY(STORE)
EVERY(LOAD)
EVERY(SEND)
EVERY(MPLOAD)
EVERY(SUBFLOW)
EVERY(OPEN)

char _license[] SEC("license") = "GPL";
