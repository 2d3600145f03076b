// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/attach_steps.h"

#include <fmt/format.h>

#include "bpf/cgroup_programs.h"
#include "bpf/path_manager.h"
#include "bpf/pinned.h"
#include "daemon/attachment_values.h"

namespace tcpopt {

Status check_override(const Cgroup& cgroup, bool force, std::vector<std::string>& warnings) {
  auto overridden = overridden_by_attaching(cgroup);
  if (!overridden) {
    return pass(overridden);
  }
  if (!*overridden) {
    return {};
  }
  const auto cause = fmt::format("program '{}' (id {}) of {} would no longer run in this cgroup",
                                 (*overridden)->name, (*overridden)->id, (*overridden)->cgroup);
  if (!force) {
    return fail(cause,
                "attach that one with BPF_F_ALLOW_MULTI or a link, or give --force if it is meant");
  }
  warnings.push_back(fmt::format("program '{}' (id {}) of {} does not run in this cgroup any more",
                                 (*overridden)->name, (*overridden)->id, (*overridden)->cgroup));
  return {};
}

Result<Links> make_links(const Object& object, const Cgroup& cgroup) {
  Links links;
  if (object.operations_fd() >= 0) {
    auto manager = register_manager(object.operations_fd());
    if (!manager) {
      return pass(manager);
    }
    links.manager = std::move(*manager);
  }
  auto link = attach_to_cgroup(object.program_fd(), cgroup.fd());
  if (!link) {
    return pass(link);
  }
  links.cgroup = std::move(*link);
  return links;
}

Status pin_all(const Object& object, const Links& links, const PinStore::Entry& at) {
  for (const auto& map : object.maps()) {
    if (auto pinned = pin(map.fd.get(), at.map(map.name)); !pinned) {
      return pinned;
    }
  }
  if (object.iterator_fd() >= 0) {
    if (auto pinned = pin(object.iterator_fd(), at.iterator()); !pinned) {
      return pinned;
    }
  }
  const auto types = make_types_map(object.types());
  if (!types) {
    return tl::make_unexpected(types.error());
  }
  if (auto pinned = pin(types->get(), at.types()); !pinned) {
    return pinned;
  }
  if (links.manager) {
    if (auto pinned = pin(links.manager.get(), at.manager()); !pinned) {
      return pinned;
    }
  }
  return pin(links.cgroup.get(), at.link());
}

}  // namespace tcpopt
