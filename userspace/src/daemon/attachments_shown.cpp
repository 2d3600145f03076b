// SPDX-License-Identifier: GPL-2.0-or-later
// Of Attachments, what only shows them.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "bpf/cgroup_programs.h"
#include "bpf/path_manager.h"
#include "daemon/attachment_values.h"
#include "daemon/attachments.h"

namespace tcpopt {

namespace {

/// When the link was pinned, in seconds of Unix time.
std::int64_t since(const PinStore::Entry& pins) {
  struct stat status {};
  return stat(pins.link().c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

}  // namespace

std::vector<Attachments::Attachment> Attachments::managers_before(
    const std::set<std::uint64_t>& below, std::uint64_t cgroup_id, std::uint32_t link_id) const {
  std::vector<Attachment> found;
  auto entries = store_.entries();
  if (!entries) {
    return found;
  }
  for (auto& entry : *entries) {
    // The programs of a cgroup run in the order of their attaching, before those of
    // the cgroup above.
    if (entry.cgroup_id != cgroup_id && !below.contains(entry.cgroup_id)) {
      continue;
    }
    const auto interface = interface_at(entry);
    if (!interface || !(*interface)->claims_sessions) {
      continue;
    }
    auto other = look(std::move(entry));
    if (other && (other->info.cgroup_id != cgroup_id || other->info.link_id < link_id)) {
      found.push_back(std::move(*other));
    }
  }
  return found;
}

void Attachments::warn_of_other_managers(const PinStore::Entry& pins, const Cgroup& cgroup,
                                         std::uint32_t link_id, Warnings& warnings) const {
  const auto after = [&warnings](const std::string& first, const std::string& where,
                                 const std::string& second) {
    warnings.push_back(
        fmt::format("{} is a path manager, too, and claims sessions of {} before {} can", first,
                    where, second));
  };
  for (const auto& other : managers_before(cgroup.ids().all, cgroup.id(), link_id)) {
    after(other.pins.name, other.cgroup_path, pins.name);
  }
  for (auto above = cgroup.parent(); above; above = above->parent()) {
    for (const auto& other : managers_before({}, above->id(), UINT32_MAX)) {
      after(pins.name, cgroup.path().string(),
            fmt::format("{} of {}", other.pins.name, other.cgroup_path));
    }
  }
}

nlohmann::json Attachments::details(const Attachment& attachment,
                                    const std::set<std::uint32_t>& ours) const {
  auto params = nlohmann::json::object();
  auto stats = nlohmann::json::object();
  if (auto interface = interface_at(attachment.pins); interface) {
    for (const auto& param : (*interface)->schema.params) {
      params[param.name] = {{"unit", param.unit}, {"help", param.help}};
    }
    for (const auto& list : (*interface)->schema.maps) {
      params[list.key] = {{"unit", ""}, {"help", list.help}};
    }
    for (const auto& counter : (*interface)->counters) {
      stats[counter.name] = counter.help;
    }
  }
  auto others = nlohmann::json::array();
  // Of a removed cgroup nobody can ask.
  if (const auto cgroup = Cgroup::by_id(attachment.info.cgroup_id); cgroup && *cgroup) {
    const auto programs = programs_on(**cgroup);
    if (!programs) {
      spdlog::warn("{}", programs.error().line());
    }
    for (const auto& program : programs.value_or(std::vector<ForeignProgram>{})) {
      if (!ours.contains(program.id)) {
        others.push_back({{"id", program.id}, {"name", program.name}, {"cgroup", program.cgroup}});
      }
    }
  }
  return {{"help", {{"params", params}, {"stats", stats}}}, {"others", others}};
}

nlohmann::json Attachments::describe(const Attachment& attachment) const {
  const auto& pins = attachment.pins;
  const auto or_empty = [&pins](const Result<nlohmann::json>& value) {
    if (!value) {
      spdlog::warn("{}: {}", pins.path.string(), value.error().line());
    }
    return value.value_or(nlohmann::json::object());
  };
  auto known = interface_at(pins);
  if (!known) {
    or_empty(tl::make_unexpected(known.error()));
  }
  const auto interface = known ? *known : std::make_shared<const Interface>();
  const auto values = values_of(pins, interface->schema);
  const auto params = values ? Result<nlohmann::json>(to_json(interface->schema, *values))
                             : tl::make_unexpected(values.error());
  nlohmann::json described{{"name", pins.name},
                           {"cgroup", attachment.cgroup_path},
                           {"cgroup_id", attachment.info.cgroup_id},
                           {"link_id", attachment.info.link_id},
                           {"prog_id", attachment.info.prog_id},
                           {"since", since(pins)},
                           {"params", or_empty(params)},
                           {"stats", or_empty(stats_of(pins, interface->counters))}};
  if (auto addresses = addresses_.describe(pins); !addresses.is_null()) {
    described["local_addrs"] = std::move(addresses);
  }
  if (values) {
    if (auto shown = shown_json(interface->schema, values->scalars); !shown.empty()) {
      described["shown"] = std::move(shown);
    }
  }
  if (is_pinned(pins.manager())) {
    described["path_manager"] = manager_name(pins.name, attachment.info.cgroup_id);
  }
  if (attachment.removed) {
    described["removed"] = true;
  }
  if (interface->claims_sessions) {
    const auto before = managers_before({}, attachment.info.cgroup_id, attachment.info.link_id);
    if (!before.empty()) {
      described["behind"] = before.front().pins.name;
    }
  }
  return described;
}

}  // namespace tcpopt
