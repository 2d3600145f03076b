// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/pinned.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "bpf/btf_check.h"

namespace tcpopt {

bool is_pinned(const std::filesystem::path& path) {
  std::error_code code;
  return std::filesystem::exists(path, code);
}

Result<UniqueFd> open_pin(const std::filesystem::path& path) {
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd) {
    return fail_errno(errno, path.string());
  }
  return fd;
}

Status pin(int fd, const std::filesystem::path& path) {
  if (const int err = bpf_obj_pin(fd, path.c_str()); err != 0) {
    return fail_errno(err, fmt::format("pin {}", path.string()));
  }
  return {};
}

Result<CgroupLink> cgroup_link(int fd) {
  bpf_link_info info{};
  __u32 size = sizeof(info);
  if (const int err = bpf_obj_get_info_by_fd(fd, &info, &size); err != 0) {
    return fail_errno(err, "link");
  }
  if (info.type != BPF_LINK_TYPE_CGROUP || info.cgroup.attach_type != BPF_CGROUP_SOCK_OPS) {
    return fail("not a sock_ops link on a cgroup");
  }
  return CgroupLink{info.id, info.prog_id, info.cgroup.cgroup_id};
}

Result<UniqueFd> attach_to_cgroup(int program_fd, int cgroup_fd) {
  UniqueFd link(bpf_link_create(program_fd, cgroup_fd, BPF_CGROUP_SOCK_OPS, nullptr));
  if (link) {
    return link;
  }
  switch (errno) {
    case ENOENT:
    case ENODEV:
      return fail("the cgroup was removed meanwhile", "create it again");
    case EPERM:
      // cgroup_bpf_attach(): a program that does not share is attached above.
      return fail_errno(errno, "link",
                        "see with bpftool cgroup tree whether a program that allows no other is "
                        "attached here or above");
    case E2BIG:
      return fail("link: the kernel takes no more programs on this cgroup", "detach one");
    default:
      return fail_errno(errno, "link", "see what this kernel lacks with tcpoptctl check");
  }
}

Result<BtfHandle> parse_types(const BtfBytes& bytes) {
  if (auto checked = check_types(bytes); !checked) {
    return pass(checked);
  }
  BtfHandle types(btf__new(bytes.data(), static_cast<__u32>(bytes.size())));
  if (!types) {
    return fail_errno(errno, "types");
  }
  return types;
}

Result<UniqueFd> make_types_map(const BtfBytes& types) {
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "tcpopt_types", sizeof(__u32),
                              static_cast<__u32>(types.size()), 1, nullptr));
  const __u32 key = 0;
  if (!map || bpf_map_update_elem(map.get(), &key, types.data(), BPF_ANY) != 0) {
    return fail_errno(errno, "map for the types");
  }
  return map;
}

Result<BtfHandle> read_types(const UniqueFd& map) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (const int err = bpf_obj_get_info_by_fd(map.get(), &info, &size); err != 0) {
    return fail_errno(err, "map of the types");
  }
  BtfBytes bytes(info.value_size);
  const __u32 key = 0;
  if (const int err = bpf_map_lookup_elem(map.get(), &key, bytes.data()); err != 0) {
    return fail_errno(err, "read the types");
  }
  return parse_types(bytes);
}

Result<nlohmann::json> read_stats(const UniqueFd& map, const std::vector<Counter>& counters) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (const int err = bpf_obj_get_info_by_fd(map.get(), &info, &size); err != 0) {
    return fail_errno(err, "map of the counters");
  }
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) {
    return fail_errno(cpus, "number of CPUs");
  }
  // The kernel hands out one value for each possible CPU, each rounded up to 8 bytes.
  const std::size_t words = (info.value_size + 7) / 8;
  std::vector<std::uint64_t> values(words * static_cast<std::size_t>(cpus));
  const __u32 key = 0;
  if (const int err = bpf_map_lookup_elem(map.get(), &key, values.data()); err != 0) {
    return fail_errno(err, "read stats");
  }
  auto sums = nlohmann::json::object();
  for (const auto& counter : counters) {
    std::uint64_t sum = 0;
    for (std::size_t at = counter.offset / 8; at < values.size(); at += words) {
      sum += values[at];
    }
    sums[counter.name] = sum;
  }
  return sums;
}

}  // namespace tcpopt
