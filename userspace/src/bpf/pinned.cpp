// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/pinned.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <vector>

namespace tcpopt {

namespace {

struct TypedMap {
  bpf_map_info info{};
  BtfHandle types;
};

Result<TypedMap> typed_map(int fd) {
  TypedMap map;
  __u32 size = sizeof(map.info);
  if (const int err = bpf_obj_get_info_by_fd(fd, &map.info, &size); err != 0) {
    return fail_errno(err, "map");
  }
  map.types.reset(btf__load_from_kernel_by_id(map.info.btf_id));
  if (!map.types) {
    return fail_errno(errno, "types of the map");
  }
  return map;
}

}  // namespace

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

Result<ParamsMap> ParamsMap::open(UniqueFd map) {
  auto typed = typed_map(map.get());
  if (!typed) {
    return pass(typed);
  }
  auto schema = read_schema(*typed->types, typed->info.btf_value_type_id);
  if (!schema) {
    return pass(schema);
  }
  return ParamsMap(std::move(map), std::move(*schema));
}

Result<Bytes> ParamsMap::read() const {
  Bytes value(schema_.size);
  const __u32 key = 0;
  if (const int err = bpf_map_lookup_elem(map_.get(), &key, value.data()); err != 0) {
    return fail_errno(err, "read params");
  }
  return value;
}

Status ParamsMap::write(const Bytes& value) const { return write_params(map_.get(), value); }

Status write_params(int map_fd, const Bytes& value) {
  const __u32 key = 0;
  if (const int err = bpf_map_update_elem(map_fd, &key, value.data(), BPF_ANY); err != 0) {
    return fail_errno(err, "write params");
  }
  return {};
}

Result<nlohmann::json> read_stats(const UniqueFd& map) {
  auto typed = typed_map(map.get());
  if (!typed) {
    return pass(typed);
  }
  auto counters = read_counters(*typed->types, typed->info.btf_value_type_id);
  if (!counters) {
    return pass(counters);
  }
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) {
    return fail_errno(cpus, "number of CPUs");
  }
  // The kernel hands out one value for each possible CPU, each rounded up to 8 bytes.
  const std::size_t words = (typed->info.value_size + 7) / 8;
  std::vector<std::uint64_t> values(words * static_cast<std::size_t>(cpus));
  const __u32 key = 0;
  if (const int err = bpf_map_lookup_elem(map.get(), &key, values.data()); err != 0) {
    return fail_errno(err, "read stats");
  }
  auto sums = nlohmann::json::object();
  for (const auto& counter : *counters) {
    std::uint64_t sum = 0;
    for (std::size_t at = counter.offset / 8; at < values.size(); at += words) {
      sum += values[at];
    }
    sums[counter.name] = sum;
  }
  return sums;
}

}  // namespace tcpopt
