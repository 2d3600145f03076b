// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/cgroup_programs.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "base/unique_fd.h"

namespace tcpopt {

namespace {

constexpr std::size_t kMostPrograms = 64;  // BPF_CGROUP_MAX_PROGS

struct Attached {
  std::uint32_t flags = 0;
  std::uint32_t count = 0;
  std::array<__u32, kMostPrograms> ids{};

  [[nodiscard]] std::uint32_t first() const { return ids.front(); }
};

Result<Attached> attached_to(int cgroup) {
  Attached attached;
  attached.count = attached.ids.size();
  if (bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, &attached.flags, attached.ids.data(),
                     &attached.count) != 0) {
    return fail_errno(errno, "programs of the cgroup");
  }
  return attached;
}

std::string name_of(std::uint32_t program) {
  const UniqueFd fd(bpf_prog_get_fd_by_id(program));
  bpf_prog_info info{};
  __u32 size = sizeof(info);
  return fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0
             ? std::string(static_cast<const char*>(info.name))
             : std::string();
}

}  // namespace

Result<std::optional<ForeignProgram>> overridden_by_attaching(const Cgroup& cgroup) {
  auto attached = attached_to(cgroup.fd());
  auto at = cgroup.parent();
  // The nearest one with programs decides; those above it have no say already.
  while (attached && attached->count == 0 && at) {
    attached = attached_to(at->fd());
    if (attached && attached->count != 0 && (attached->flags & BPF_F_ALLOW_OVERRIDE) != 0) {
      return ForeignProgram{attached->first(), name_of(attached->first()), at->path().string()};
    }
    at = at->parent();
  }
  return attached ? Result<std::optional<ForeignProgram>>(std::nullopt) : pass(attached);
}

Result<std::vector<ForeignProgram>> programs_on(const Cgroup& cgroup) {
  std::vector<ForeignProgram> found;
  const auto add = [&found](const Cgroup& at) -> Status {
    auto attached = attached_to(at.fd());
    if (!attached) {
      return pass(attached, at.path().string());
    }
    const auto count = std::min<std::size_t>(attached->count, attached->ids.size());
    for (const auto id : std::span(attached->ids).first(count)) {
      found.push_back({id, name_of(id), at.path().string()});
    }
    return {};
  };
  auto added = add(cgroup);
  for (auto above = cgroup.parent(); added && above; above = above->parent()) {
    added = add(*above);
  }
  return added ? Result<std::vector<ForeignProgram>>(std::move(found)) : pass(added);
}

}  // namespace tcpopt
