// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bpf/handles.h"
#include "bpf/insn.h"
#include "bpf/verifier_log.h"

namespace tcpopt {

namespace {

Finding from_errno(int err, std::string detail = {}) {
  if (detail.empty()) {
    detail = errno_text(err);
  }
  return {err == EPERM ? Support::Denied : Support::No, std::move(detail)};
}

Result<UniqueFd> storage_map() {
  const BtfHandle types(btf__new_empty());
  if (!types) {
    return fail_errno(errno, "BTF");
  }
  const int int_id = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  if (const int err = btf__load_into_kernel(types.get()); err != 0) {
    return fail(errno_text(err));
  }
  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  options.btf_fd = static_cast<__u32>(btf__fd(types.get()));
  options.btf_key_type_id = static_cast<__u32>(int_id);
  options.btf_value_type_id = static_cast<__u32>(int_id);
  options.map_flags = BPF_F_NO_PREALLOC;
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "probe", 4, 4, 0, &options));
  if (!map) {
    return fail(errno_text(errno));
  }
  return map;
}

/// Fills in the calls of kernel functions; nothing to say if that worked.
std::optional<Finding> fill_in_kfuncs(const std::vector<const char*>& names,
                                      std::vector<bpf_insn>& instructions) {
  if (names.empty()) {
    return std::nullopt;
  }
  const BtfHandle types(btf__load_vmlinux_btf());
  auto at = instructions.begin();
  for (const auto* name : names) {
    const int id = types ? btf__find_by_name_kind(types.get(), name, BTF_KIND_FUNC) : 0;
    if (id <= 0) {
      return Finding{Support::No, fmt::format("no function {} in the kernel's BTF", name)};
    }
    at = std::find_if(at, instructions.end(), [](const bpf_insn& instruction) {
      return instruction.code == (BPF_JMP | BPF_CALL) &&
             instruction.src_reg == BPF_PSEUDO_KFUNC_CALL && instruction.imm == insn::kFillIn;
    });
    if (at != instructions.end()) {
      at->imm = id;
    }
  }
  return std::nullopt;
}

void fill_in_map(std::vector<bpf_insn>& instructions, int map) {
  for (auto& instruction : instructions) {
    if (instruction.code == (BPF_LD | BPF_DW | BPF_IMM) &&
        instruction.src_reg == BPF_PSEUDO_MAP_FD && instruction.imm == insn::kFillIn) {
      instruction.imm = map;
    }
  }
}

bool has_enumerator(const btf& types, const btf_type& type, std::string_view name) {
  if (!btf_is_any_enum(&type)) {
    return false;
  }
  const bool wide = btf_is_enum64(&type);
  for (int i = 0; i < btf_vlen(&type); ++i) {
    const auto offset = wide ? btf_enum64(&type)[i].name_off : btf_enum(&type)[i].name_off;
    if (name == btf__str_by_offset(&types, offset)) {
      return true;
    }
  }
  return false;
}

/// What a command says to the descriptor -1: EBADF if it got as far as looking.
Finding from_bad_descriptor(int err) {
  return err == EBADF ? Finding{Support::Yes, {}} : from_errno(err);
}

Result<UniqueFd> load(const ProbeProgram& program, const std::vector<bpf_insn>& instructions,
                      const bpf_prog_load_opts& options) {
  UniqueFd loaded(bpf_prog_load(program.type, "tcpopt_probe", "GPL", instructions.data(),
                                instructions.size(), &options));
  if (!loaded) {
    return fail_errno(errno, "load");
  }
  return loaded;
}

}  // namespace

Finding probe(const ProbeProgram& program) {
  auto instructions = program.instructions;
  std::array<char, 4096> log{};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = program.attach_type;
  if (program.iterator != nullptr) {
    const int id = libbpf_find_vmlinux_btf_id(program.iterator, BPF_TRACE_ITER);
    if (id < 0) {
      return {Support::No, fmt::format("no iterator '{}' in the kernel's BTF", program.iterator)};
    }
    options.attach_btf_id = static_cast<__u32>(id);
  }
  if (auto missing = fill_in_kfuncs(program.kfuncs, instructions)) {
    return *missing;
  }
  UniqueFd storage;
  if (program.needs_storage) {
    auto map = storage_map();
    if (!map) {
      return from_errno(errno, map.error().cause);
    }
    storage = std::move(*map);
    fill_in_map(instructions, storage.get());
  }
  if (load(program, instructions, options)) {
    return {Support::Yes, {}};
  }
  const int err = errno;
  // A second time for the verifier's words; a log slows the common case down.
  options.log_buf = log.data();
  options.log_size = log.size();
  options.log_level = 1;
  if (load(program, instructions, options)) {
    return {Support::Yes, {}};
  }
  return from_errno(err, VerifierLog(log.data()).verdict());
}

Finding probe_cgroup_link() {
  ProbeProgram nothing;
  nothing.instructions = {insn::set(BPF_REG_0, 1), insn::exit()};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_CGROUP_SOCK_OPS;
  const auto program = load(nothing, nothing.instructions, options);
  if (!program) {
    return from_errno(errno);
  }
  bpf_link_create(program->get(), -1, BPF_CGROUP_SOCK_OPS, nullptr);
  return from_bad_descriptor(errno);
}

Finding probe_cgroup_sockops() {
  ProbeProgram nothing;
  nothing.instructions = {insn::set(BPF_REG_0, 1), insn::exit()};
  if (auto loads = probe(nothing); loads.support != Support::Yes) {
    return loads;
  }
  __u32 count = 0;
  bpf_prog_query(-1, BPF_CGROUP_SOCK_OPS, 0, nullptr, nullptr, &count);
  return from_bad_descriptor(errno);
}

Finding probe_enumerator(std::string_view name) {
  const BtfHandle types(btf__load_vmlinux_btf());
  if (!types) {
    return {Support::No, "the kernel has no BTF"};
  }
  for (__u32 id = 1; id < btf__type_cnt(types.get()); ++id) {
    if (has_enumerator(*types, *btf__type_by_id(types.get(), id), name)) {
      return {Support::Yes, {}};
    }
  }
  return {Support::No, fmt::format("no enumerator {} in the kernel's BTF", name)};
}

Finding probe_kernel_btf() {
  const UniqueFd file(::open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
  return file ? Finding{Support::Yes, {}} : Finding{Support::No, errno_text(errno)};
}

}  // namespace tcpopt
