// SPDX-License-Identifier: GPL-2.0-or-later
// The features. A new one is one entry here: a program that loads only where
// the feature is there. kfuncs: set .kfuncs and call insn::call_kfunc().
#include <bpf/bpf.h>

#include <cstddef>

#include "bpf/features.h"
#include "bpf/insn.h"

namespace tcpopt {

namespace {

using namespace insn;

constexpr short kContextSk = offsetof(bpf_sock_ops, sk);
constexpr short kContextReplyLong1 = offsetof(bpf_sock_ops, replylong[1]);
// struct bpf_iter__tcp: meta, sk_common, uid.
constexpr short kIteratorSk = 8;
constexpr int kSolTcp = 6;
constexpr int kTcpUserTimeout = 18;

std::function<Finding()> loads(ProbeProgram program) {
  return [program = std::move(program)] { return probe(program); };
}

ProbeProgram tcp_iterator(std::vector<bpf_insn> instructions) {
  ProbeProgram program;
  program.type = BPF_PROG_TYPE_TRACING;
  program.attach_type = BPF_TRACE_ITER;
  program.iterator = "tcp";
  program.instructions = std::move(instructions);
  return program;
}

ProbeProgram sockops(std::vector<bpf_insn> instructions) {
  ProbeProgram program;
  program.instructions = std::move(instructions);
  return program;
}

ProbeProgram storage_of_socket() {
  auto program = sockops({
      load64(BPF_REG_2, BPF_REG_1, kContextSk),
      set(BPF_REG_0, 1),
      skip_if_zero(BPF_REG_2, 6),
      load_map(BPF_REG_1),
      load_map_end(),
      set(BPF_REG_3, 0),
      set(BPF_REG_4, BPF_SK_STORAGE_GET_F_CREATE),
      call(BPF_FUNC_sk_storage_get),
      set(BPF_REG_0, 1),
      exit(),
  });
  program.needs_storage = true;
  return program;
}

ProbeProgram option_calls() {
  constexpr int kKind = 253;
  constexpr int kExperiment = 0x1234;
  constexpr int kOnSyn = 1;
  constexpr int kOnce = 1;
  constexpr int kRoom = 8;
  auto program = sockops({
      move(BPF_REG_6, BPF_REG_1),
      store64(BPF_REG_10, -kRoom, 0),
      // watch(skops, kind, exid)
      set(BPF_REG_2, kKind),
      set(BPF_REG_3, kExperiment),
      call_kfunc(),
      // set(skops, option, size, where, times)
      move(BPF_REG_1, BPF_REG_6),
      move(BPF_REG_2, BPF_REG_10),
      add(BPF_REG_2, -kRoom),
      set(BPF_REG_3, kRoom),
      set(BPF_REG_4, kOnSyn),
      set(BPF_REG_5, kOnce),
      call_kfunc(),
      // clear(skops, kind, exid)
      move(BPF_REG_1, BPF_REG_6),
      set(BPF_REG_2, kKind),
      set(BPF_REG_3, kExperiment),
      call_kfunc(),
      // store(skops, option, size)
      move(BPF_REG_1, BPF_REG_6),
      move(BPF_REG_2, BPF_REG_10),
      add(BPF_REG_2, -kRoom),
      set(BPF_REG_3, kRoom),
      call_kfunc(),
      // load(skops, option, size)
      move(BPF_REG_1, BPF_REG_6),
      move(BPF_REG_2, BPF_REG_10),
      add(BPF_REG_2, -kRoom),
      set(BPF_REG_3, kRoom),
      call_kfunc(),
      set(BPF_REG_0, 1),
      exit(),
  });
  program.kfuncs = {"bpf_tcp_option_watch", "bpf_tcp_option_set", "bpf_tcp_option_clear",
                    "bpf_tcp_option_store", "bpf_tcp_option_load"};
  return program;
}

/// A call of @p kfunc(skops, 0).
ProbeProgram call_with_zero(const char* kfunc) {
  auto program = sockops({
      set(BPF_REG_2, 0),
      call_kfunc(),
      set(BPF_REG_0, 1),
      exit(),
  });
  program.kfuncs = {kfunc};
  return program;
}

ProbeProgram mptcp_option() {
  constexpr int kRoom = 8;
  auto program = sockops({
      // send(skops, id, option, size, flags)
      store64(BPF_REG_10, -kRoom, 0),
      set(BPF_REG_2, 0),
      move(BPF_REG_3, BPF_REG_10),
      add(BPF_REG_3, -kRoom),
      set(BPF_REG_4, kRoom),
      set(BPF_REG_5, 0),
      call_kfunc(),
      set(BPF_REG_0, 1),
      exit(),
  });
  program.kfuncs = {"bpf_mptcp_option_send"};
  return program;
}

/// A call of @p kfunc(skops, name, size).
ProbeProgram call_with_name(const char* kfunc) {
  constexpr int kRoom = 8;
  auto program = sockops({
      store64(BPF_REG_10, -kRoom, 0),
      move(BPF_REG_2, BPF_REG_10),
      add(BPF_REG_2, -kRoom),
      set(BPF_REG_3, kRoom),
      call_kfunc(),
      set(BPF_REG_0, 1),
      exit(),
  });
  program.kfuncs = {kfunc};
  return program;
}

std::vector<Feature> make_table() {
  return {
      {"sockops", "sock_ops programs on cgroups", "CONFIG_BPF_SYSCALL=y and CONFIG_CGROUP_BPF=y",
       probe_cgroup_sockops},
      {"cgroup-link", "attachments that outlive the daemon",
       "Linux 5.7 or later with CONFIG_CGROUP_BPF=y", probe_cgroup_link},
      {"btf", "the kernel's own types", "CONFIG_DEBUG_INFO_BTF=y", probe_kernel_btf},
      {"sk-storage", "data kept with each socket", "Linux 5.8 or later with CONFIG_BPF_SYSCALL=y",
       loads(storage_of_socket())},
      {"tcp-iter", "changes reach live connections",
       "Linux 5.9 or later with CONFIG_DEBUG_INFO_BTF=y",
       loads(tcp_iterator({set(BPF_REG_0, 0), exit()}))},
      {"iter-setsockopt", "changes set options of live connections", "Linux 5.16 or later",
       loads(tcp_iterator({
           load64(BPF_REG_1, BPF_REG_1, kIteratorSk),
           skip_if_zero(BPF_REG_1, 7),
           store64(BPF_REG_10, -8, 0),
           set(BPF_REG_2, kSolTcp),
           set(BPF_REG_3, kTcpUserTimeout),
           move(BPF_REG_4, BPF_REG_10),
           add(BPF_REG_4, -8),
           set(BPF_REG_5, 4),
           call(BPF_FUNC_setsockopt),
           set(BPF_REG_0, 0),
           exit(),
       }))},
      // Takes any number as far as the verifier goes, too.
      {"iter-cb-flags", "changes reach options that live connections send",
       "Linux 6.10 or later with CONFIG_DEBUG_INFO_BTF=y",
       [] { return probe_enumerator("TCP_BPF_SOCK_OPS_CB_FLAGS"); }},
      {"tcp-header-options", "TCP options through mainline's hooks",
       "Linux 5.10 or later with CONFIG_CGROUP_BPF=y",
       loads(sockops({
           set(BPF_REG_2, 4),
           set(BPF_REG_3, 0),
           call(BPF_FUNC_reserve_hdr_opt),
           set(BPF_REG_0, 1),
           exit(),
       }))},
      // Mainline lets a program write `reply` only; the bytes of an option need
      // the words behind it.
      {"tcp-options", "TCP options through tcpopt's hooks",
       "kernel-patches/6.12 with CONFIG_BPF_TCP_OPTIONS=y",
       loads(sockops({
           set(BPF_REG_2, 0),
           store32(BPF_REG_1, kContextReplyLong1, BPF_REG_2),
           set(BPF_REG_0, 1),
           exit(),
       }))},
      {"tcp-option-calls", "TCP options that the kernel writes and watches for by itself",
       "kernel-patches/6.12 with CONFIG_BPF_TCP_OPTIONS=y", loads(option_calls())},
      // Set with bpf_setsockopt(), which takes any number as far as the verifier goes.
      {"tcp-delayed-ack", "delayed ACKs set per connection",
       "kernel-patches/6.12 with CONFIG_BPF_TCP_OPTIONS=y",
       [] { return probe_enumerator("TCP_BPF_DELACK_RTT"); }},
      {"mptcp-path-manager", "path managers for MPTCP sessions",
       "kernel-patches/6.12 with CONFIG_MPTCP_BPF_PM=y", loads(call_with_name("bpf_mptcp_claim"))},
      {"mptcp-options", "MPTCP options of programs",
       "kernel-patches/6.12 with CONFIG_MPTCP_BPF_PM=y", loads(mptcp_option())},
      {"mptcp-scheduler", "packet schedulers set per MPTCP session",
       "kernel-patches/6.12 with CONFIG_MPTCP_BPF_PM=y",
       loads(call_with_name("bpf_mptcp_set_scheduler"))},
      {"mptcp-idle-timeout", "how long MPTCP sessions without subflows are kept",
       "kernel-patches/6.12 with CONFIG_MPTCP_BPF_PM=y",
       loads(call_with_zero("bpf_mptcp_set_idle_timeout"))},
  };
}

}  // namespace

std::span<const Feature> all_features() {
  static const auto table = make_table();
  return table;
}

}  // namespace tcpopt
