// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/attachments.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "bpf/features.h"
#include "bpf/object.h"
#include "daemon/address_rules.h"
#include "daemon/attachment_values.h"
#include "daemon/tell.h"
#include "kernel/netns.h"

namespace tcpopt {

namespace {

/// Pins what makes up an attachment, the link last.
Status pin_all(const Object& object, int link, const PinStore::Entry& at) {
  for (const auto& map : object.maps()) {
    if (auto pinned = pin(map.fd, at.map(map.name)); !pinned) {
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
  return pin(link, at.link());
}

void tell_connections(const PinStore::Entry& pins, const Cgroup& cgroup,
                      Attachments::Warnings& warnings) {
  const auto namespaces = namespaces_of(cgroup);
  const auto errors =
      namespaces ? run_iterator(pins, *namespaces) : std::vector{namespaces.error()};
  for (const auto& error : errors) {
    warnings.push_back(fmt::format("live connections keep the old values: {}", error.line()));
  }
}

/// When the link was pinned, in seconds of Unix time.
std::int64_t since(const PinStore::Entry& pins) {
  struct stat status {};
  return stat(pins.link().c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

}  // namespace

std::optional<Attachments::Attachment> Attachments::look(PinStore::Entry entry) const {
  const auto prune = [this, &entry](std::string_view why) {
    spdlog::info("removing {}: {}", entry.path.string(), why);
    addresses_.forget(entry);
    if (const auto removed = PinStore::remove(entry); !removed) {
      spdlog::warn("{}", removed.error().line());
    }
  };
  if (!is_pinned(entry.link())) {
    prune("it has no link, a detach was cut short");
    return std::nullopt;
  }
  auto link = open_pin(entry.link());
  auto info = link ? cgroup_link(link->get()) : tl::make_unexpected(link.error());
  if (!info) {
    spdlog::warn("leaving {} alone: {}", entry.path.string(), info.error().line());
    return std::nullopt;
  }
  if (info->cgroup_id == 0) {
    prune(fmt::format("{} went with its cgroup", entry.name));
    return std::nullopt;
  }
  auto cgroup = Cgroup::by_id(info->cgroup_id);
  if (cgroup && !*cgroup) {
    // Removed, while sockets that were made in it still live: to these it is
    // attached until the last one is closed.
    spdlog::debug("{}: its cgroup is gone, some of its sockets are not", entry.path.string());
    return std::nullopt;
  }
  auto path = cgroup ? (*cgroup)->path().string() : fmt::format("cgroup id {}", info->cgroup_id);
  return Attachment{std::move(entry), std::move(*link), *info, std::move(path)};
}

Result<std::vector<Attachments::Attachment>> Attachments::all() const {
  auto entries = store_.entries();
  if (!entries) {
    return pass(entries);
  }
  std::vector<Attachment> found;
  for (auto& entry : *entries) {
    if (auto attachment = look(std::move(entry))) {
      found.push_back(std::move(*attachment));
    }
  }
  return found;
}

Result<Attachments::Attachment> Attachments::find(const std::string& name,
                                                  const Cgroup& cgroup) const {
  auto attachments = all();
  if (!attachments) {
    return pass(attachments);
  }
  const auto found =
      std::find_if(attachments->begin(), attachments->end(), [&](const Attachment& attachment) {
        return attachment.pins.name == name && attachment.info.cgroup_id == cgroup.id();
      });
  if (found == attachments->end()) {
    return fail("it is not attached", "tcpoptctl list shows what is");
  }
  return std::move(*found);
}

Result<Attachments::Warnings> Attachments::attach(const ProgramFile& file, const Cgroup& cgroup,
                                                  const Settings& settings) const {
  if (find(file.name, cgroup)) {
    return fail("it is attached already",
                "change it with tcpoptctl set or remove it with tcpoptctl detach");
  }
  auto object = Object::open(file);
  if (!object) {
    return pass(object);
  }
  const auto& description = object->description();
  if (auto offered = check_required(all_features(), description.required); !offered) {
    return pass(offered);
  }
  const auto& schema = description.interface.schema;
  auto offered_names = offered_to(schema);
  if (!offered_names) {
    return pass(offered_names);
  }
  auto values = initial_values(schema, settings, *offered_names);
  if (!values) {
    return pass(values);
  }
  if (auto possible = check_settings(all_features(), schema, settings); !possible) {
    return pass(possible);
  }
  Warnings warnings;
  const auto iterator_offered = check_required(all_features(), description.required_by_iterator);
  if (!iterator_offered) {
    warnings.push_back(fmt::format("tcpoptctl set will not reach live connections: {}",
                                   iterator_offered.error().line()));
  }
  if (auto loaded = object->load(description.has_iterator && iterator_offered); !loaded) {
    return pass(loaded);
  }
  // From here on the order matters: values, then the pins of all that a
  // successor needs, then the link. The name comes last and in one step, so
  // that a daemon killed in between leaves nothing but a directory to clear.
  auto maps = parameter_maps(*object);
  if (!maps) {
    return pass(maps);
  }
  if (auto written = maps->write(*values); !written) {
    return pass(written);
  }
  auto addresses = fill_addresses(*object, *values, cgroup, warnings);
  if (!addresses) {
    return pass(addresses);
  }
  auto staged = store_.stage(file.name, cgroup.id());
  if (!staged) {
    return pass(staged);
  }
  auto link = attach_to_cgroup(object->program_fd(), cgroup.fd());
  if (!link) {
    return pass(link);
  }
  if (auto pinned = pin_all(*object, link->get(), staged->entry()); !pinned) {
    return pass(pinned);
  }
  if (auto committed = staged->commit(); !committed) {
    return pass(committed);
  }
  if (*addresses) {
    addresses_.keep(staged->final_entry(), std::move(**addresses));
  }
  return warnings;
}

Result<std::optional<AddressMap>> Attachments::fill_addresses(const Object& object,
                                                              const Values& values,
                                                              const Cgroup& cgroup,
                                                              Warnings& warnings) const {
  const auto& interface = object.description().interface;
  if (!interface.local_addrs) {
    return std::nullopt;
  }
  auto filled =
      addresses_.fill(*interface.local_addrs, address_rules(interface.schema, values), cgroup,
                      [&object](const std::string& name) { return map_of(object, name); });
  if (!filled) {
    return pass(filled);
  }
  warnings.insert(warnings.end(), filled->warnings.begin(), filled->warnings.end());
  return std::move(filled->map);
}

Status Attachments::adopt(const Attachment& attachment) const {
  const auto& pins = attachment.pins;
  auto interface = interface_of(pins);
  if (!interface) {
    return pass(interface);
  }
  if (!interface->local_addrs) {
    return {};
  }
  const auto& schema = interface->schema;
  auto values = values_of(pins, schema);
  if (!values) {
    return pass(values);
  }
  return addresses_.adopt(pins, *interface->local_addrs, address_rules(schema, *values));
}

Status Attachments::detach(const std::string& name, const Cgroup& cgroup) const {
  auto attachment = find(name, cgroup);
  if (!attachment) {
    return pass(attachment);
  }
  // Detaches even if another process has the link open. Linux before 5.9 cannot;
  // there the link goes with its pin.
  bpf_link_detach(attachment->link.get());
  addresses_.forget(attachment->pins);
  return PinStore::remove(attachment->pins);
}

Result<Attachments::Warnings> Attachments::set(const std::string& name, const Cgroup& cgroup,
                                               const Settings& settings) const {
  auto attachment = find(name, cgroup);
  if (!attachment) {
    return pass(attachment);
  }
  const auto& pins = attachment->pins;
  auto interface = interface_of(pins);
  if (!interface) {
    return pass(interface);
  }
  const auto& schema = interface->schema;
  auto maps = parameter_maps(pins, schema);
  if (!maps) {
    return pass(maps);
  }
  auto old = maps->read();
  if (!old) {
    return pass(old);
  }
  auto offered = offered_to(schema);
  if (!offered) {
    return pass(offered);
  }
  auto changed = change_values(schema, std::move(*old), settings, *offered);
  if (!changed) {
    return pass(changed);
  }
  if (auto possible = check_settings(all_features(), schema, settings); !possible) {
    return pass(possible);
  }
  if (auto written = maps->write(*changed); !written) {
    return pass(written);
  }
  Warnings warnings;
  if (interface->local_addrs) {
    warnings = addresses_.choose(pins, *interface->local_addrs, address_rules(schema, *changed));
  }
  tell_connections(pins, cgroup, warnings);
  return warnings;
}

nlohmann::json Attachments::describe(const Attachment& attachment) const {
  const auto& pins = attachment.pins;
  const auto or_empty = [&pins](const Result<nlohmann::json>& value) {
    if (!value) {
      spdlog::warn("{}: {}", pins.path.string(), value.error().line());
    }
    return value.value_or(nlohmann::json::object());
  };
  auto interface = interface_of(pins);
  if (!interface) {
    or_empty(tl::make_unexpected(interface.error()));
    interface = Interface{};
  }
  nlohmann::json described{{"name", pins.name},
                           {"cgroup", attachment.cgroup_path},
                           {"cgroup_id", attachment.info.cgroup_id},
                           {"link_id", attachment.info.link_id},
                           {"prog_id", attachment.info.prog_id},
                           {"since", since(pins)},
                           {"params", or_empty(params_of(pins, interface->schema))},
                           {"stats", or_empty(stats_of(pins, interface->counters))}};
  if (auto addresses = addresses_.describe(pins); !addresses.is_null()) {
    described["local_addrs"] = std::move(addresses);
  }
  return described;
}

}  // namespace tcpopt
