// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/path_manager.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bpf/handles.h"

namespace tcpopt {

namespace {

constexpr const char* kNameVariable = "pm_name";
constexpr const char* kConstants = ".rodata";
constexpr const char* kKernelStruct = "bpf_struct_ops_mptcp_pm_ops";
// Comes in softirq: the only operation that must not sleep.
constexpr std::string_view kInSoftirq = "struct_ops/accept_new_subflow";
constexpr bpf_attach_type kStructOps = static_cast<bpf_attach_type>(44);  // BPF_STRUCT_OPS
constexpr __u32 kFlagLink = 1U << 13;                                     // BPF_F_LINK
constexpr unsigned kBase = 36;

std::string in_base_36(std::uint64_t number) {
  std::string digits;
  do {
    digits += "0123456789abcdefghijklmnopqrstuvwxyz"[number % kBase];
    number /= kBase;
  } while (number != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

/// Where @p variable is in the constants of an object.
std::optional<btf_var_secinfo> find_constant(const btf& types, std::string_view variable) {
  const auto id = btf__find_by_name_kind(&types, kConstants, BTF_KIND_DATASEC);
  const auto* section = id < 0 ? nullptr : btf__type_by_id(&types, static_cast<__u32>(id));
  if (section == nullptr) {
    return std::nullopt;
  }
  for (__u16 i = 0; i < btf_vlen(section); ++i) {
    const auto& info = btf_var_secinfos(section)[i];
    const auto* type = btf__type_by_id(&types, info.type);
    const char* name = type == nullptr ? nullptr : btf__name_by_offset(&types, type->name_off);
    if (name != nullptr && name == variable) {
      return info;
    }
  }
  return std::nullopt;
}

const btf_member* find_member(const btf& types, const btf_type& of, std::string_view name) {
  for (__u16 i = 0; i < btf_vlen(&of); ++i) {
    const auto& member = btf_members(&of)[i];
    const char* is = btf__name_by_offset(&types, member.name_off);
    if (is != nullptr && is == name) {
      return &member;
    }
  }
  return nullptr;
}

/// The kernel's layout of a map of struct_ops.
struct Layout {
  BtfHandle types;               ///< of the kernel
  const btf_type* operations{};  ///< struct mptcp_pm_ops
  std::size_t begin = 0;         ///< of it, in the map's value
  std::size_t name = 0;          ///< of its name, in the map's value
  std::size_t size = 0;          ///< of the map's value
};

Result<Layout> layout_of(int map) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (const int err = bpf_obj_get_info_by_fd(map, &info, &size); err != 0) {
    return fail_errno(err, "map of the operations");
  }
  Layout layout;
  layout.size = info.value_size;
  layout.types.reset(btf__load_vmlinux_btf());
  if (!layout.types) {
    return fail_errno(errno, "the kernel's types");
  }
  const auto& types = *layout.types;
  const auto* value = btf__type_by_id(&types, info.btf_vmlinux_value_type_id);
  const char* kind = value == nullptr ? nullptr : btf__name_by_offset(&types, value->name_off);
  if (kind == nullptr || std::string_view(kind) != kKernelStruct) {
    return fail(fmt::format("its operations are a {}, which cannot be attached",
                            kind != nullptr ? kind : "?"),
                "only struct mptcp_pm_ops can");
  }
  const auto* data = find_member(types, *value, "data");
  layout.operations = data == nullptr ? nullptr : btf__type_by_id(&types, data->type);
  const auto* name =
      layout.operations == nullptr ? nullptr : find_member(types, *layout.operations, "name");
  if (name == nullptr) {
    return fail("the kernel's struct mptcp_pm_ops is another one",
                "build programs and kernel from the same release");
  }
  layout.begin = data->offset / 8;
  layout.name = layout.begin + name->offset / 8;
  return layout;
}

}  // namespace

std::string manager_name(std::string_view program, std::uint64_t cgroup_id) {
  const auto suffix = "." + in_base_36(cgroup_id);
  const auto room = kManagerNameSize - 1 - std::min(suffix.size(), kManagerNameSize - 2);
  auto name = std::string(program.substr(0, room)) + suffix;
  // What the kernel takes in names of BPF objects.
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Result<UniqueFd> register_manager(int map) {
  UniqueFd link(bpf_link_create(map, 0, kStructOps, nullptr));
  if (link) {
    return link;
  }
  return errno == EEXIST
             ? fail("another path manager has its name",
                    "detach that; `bpftool struct_ops list` shows what is registered")
             : fail_errno(errno, "path manager", "see what this kernel lacks with tcpoptctl check");
}

Result<std::optional<OperationsMap>> OperationsMap::in(bpf_object& object) {
  bpf_map* operations = nullptr;
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(&object, map)) != nullptr) {
    if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS) {
      continue;
    }
    if (operations != nullptr) {
      return fail(fmt::format("{} and {} are both operations", bpf_map__name(operations),
                              bpf_map__name(map)),
                  "one path manager an object");
    }
    operations = map;
  }
  std::vector<bpf_program*> functions;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(&object, program)) != nullptr) {
    if (bpf_program__type(program) == BPF_PROG_TYPE_STRUCT_OPS) {
      functions.push_back(program);
    }
  }
  if (functions.empty() != (operations == nullptr)) {
    return fail(
        functions.empty()
            ? "the struct in SEC(\".struct_ops\") has no functions"
            : fmt::format("function {} is of no struct", bpf_program__name(functions[0])),
        R"(see tcpopt_pm_ops.h: SEC("struct_ops/...") and one struct in SEC(".struct_ops"))");
  }
  if (operations == nullptr) {
    return std::nullopt;
  }
  if (!find_constant(*bpf_object__btf(&object), kNameVariable)) {
    return fail("it has no variable pm_name", "say PM_NAME(\"name\") once, see tcpopt_pm_ops.h");
  }
  return OperationsMap(object, *operations, std::move(functions));
}

Status OperationsMap::prepare(const std::string& name) {
  for (auto* const function : functions_) {
    // libbpf 1.1 does not know SEC("struct_ops.s").
    if (bpf_program__section_name(function) != kInSoftirq) {
      bpf_program__set_flags(function, BPF_F_SLEEPABLE);
    }
  }
  bpf_map__set_map_flags(map_, bpf_map__map_flags(map_) | kFlagLink);

  bpf_map* const constants = bpf_object__find_map_by_name(object_, kConstants);
  const auto variable = find_constant(*bpf_object__btf(object_), kNameVariable);
  std::size_t size = 0;
  const auto* old = constants == nullptr
                        ? nullptr
                        : static_cast<const char*>(bpf_map__initial_value(constants, &size));
  if (old == nullptr || !variable || variable->size < kManagerNameSize ||
      variable->offset + std::size_t{variable->size} > size) {
    return fail("pm_name is not as PM_NAME() has it", "include tcpopt_pm_ops.h of this release");
  }
  std::vector<char> bytes(old, old + size);
  std::fill_n(bytes.begin() + variable->offset, variable->size, '\0');
  name.copy(&bytes[variable->offset], kManagerNameSize - 1);
  if (const int err = bpf_map__set_initial_value(constants, bytes.data(), size); err != 0) {
    return fail_errno(err, "pm_name");
  }
  return {};
}

Status OperationsMap::fill(const std::string& name) const {
  auto layout = layout_of(fd());
  if (!layout) {
    return pass(layout);
  }
  std::vector<char> value(layout->size);
  const auto* const operations = layout->operations;
  if (layout->name + kManagerNameSize > value.size()) {
    return fail("the kernel's struct mptcp_pm_ops is another one");
  }
  name.copy(&value[layout->name], kManagerNameSize - 1);
  for (auto* const function : functions_) {
    // libbpf has found out which one it is.
    const auto index = static_cast<unsigned>(bpf_program__expected_attach_type(function));
    const unsigned long descriptor = static_cast<unsigned>(bpf_program__fd(function));
    if (index >= btf_vlen(operations)) {
      return fail(
          fmt::format("function {} is none of the operations", bpf_program__name(function)));
    }
    const auto at = layout->begin + btf_members(operations)[index].offset / 8;
    if (at + sizeof(descriptor) > value.size()) {
      return fail("the kernel's struct mptcp_pm_ops is another one");
    }
    std::memcpy(&value[at], &descriptor, sizeof(descriptor));
  }
  const __u32 key = 0;
  if (const int err = bpf_map_update_elem(fd(), &key, value.data(), BPF_ANY); err != 0) {
    return fail_errno(err, "operations",
                      "struct mptcp_pm_ops needs `established`; see tcpopt_pm_ops.h");
  }
  return {};
}

}  // namespace tcpopt
