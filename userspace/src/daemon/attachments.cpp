// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/attachments.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/object.h"
#include "bpf/path_manager.h"
#include "daemon/address_rules.h"
#include "daemon/attach_steps.h"
#include "daemon/attachment_values.h"

namespace tcpopt {

namespace {

void warn_of_untold(const Told& told, Attachments::Warnings& warnings) {
  for (const auto& error : told.errors) {
    warnings.push_back(fmt::format("live connections keep the old values: {}", error.line()));
  }
}

}  // namespace

std::optional<Attachments::Attachment> Attachments::look(PinStore::Entry entry) const {
  const auto prune = [this, &entry](std::string_view why) {
    spdlog::info("removing {}: {}", entry.path.string(), why);
    forget(entry);
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
  // Removed, while sockets that were made in it still live: to these it is
  // attached until the last one is closed.
  const bool removed = cgroup && !*cgroup;
  auto path = cgroup && *cgroup
                  ? (*cgroup)->path().string()
                  : fmt::format("id {}{}", info->cgroup_id, removed ? " (removed)" : "");
  return Attachment{std::move(entry), std::move(*link), *info, std::move(path), removed};
}

Status Attachments::each(const std::string& after,
                         const std::function<bool(const Attachment&)>& visit) const {
  auto entries = store_.entries(after);
  if (!entries) {
    return pass(entries);
  }
  for (auto& entry : *entries) {
    if (const auto attachment = look(std::move(entry)); attachment && !visit(*attachment)) {
      break;
    }
  }
  return {};
}

bool Attachments::is_left(const std::filesystem::path& pins) const {
  auto entry = PinStore::at(pins);
  return entry && look(std::move(*entry));
}

void Attachments::forget(const PinStore::Entry& pins) const {
  addresses_.forget(pins);
  interfaces_.erase(pins.path);
}

Result<Attachments::InterfacePtr> Attachments::interface_at(const PinStore::Entry& pins) const {
  if (const auto known = interfaces_.find(pins.path); known != interfaces_.end()) {
    return known->second;
  }
  auto read = interface_of(pins);
  if (!read) {
    return pass(read);
  }
  return interfaces_[pins.path] = std::make_shared<const Interface>(std::move(*read));
}

Result<Attachments::Attachment> Attachments::find(const std::string& name,
                                                  std::uint64_t cgroup_id) const {
  auto entry = store_.find(name, cgroup_id);
  auto found = entry ? look(std::move(*entry)) : std::nullopt;
  return found ? Result<Attachment>(std::move(*found))
               : fail("it is not attached", "tcpoptctl list shows what is");
}

Result<Attachments::Changed> Attachments::attach(const ProgramFile& file, const Cgroup& cgroup,
                                                 const Settings& settings, bool force,
                                                 Origin origin) const {
  if (find(file.name, cgroup.id())) {
    return fail("it is attached already",
                "change it with tcpoptctl set or remove it with tcpoptctl detach");
  }
  auto object = Object::open(file);
  if (!object) {
    return pass(object);
  }
  const auto& description = object->description();
  if (auto offered = check_required(features_, description.required); !offered) {
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
  if (auto possible = check_settings(features_, schema, settings); !possible) {
    return pass(possible);
  }
  Warnings warnings;
  if (auto checked = check_override(cgroup, force, warnings); !checked) {
    return pass(checked);
  }
  const auto iterator_offered = check_required(features_, description.required_by_iterator);
  if (!iterator_offered) {
    warnings.push_back(fmt::format("tcpoptctl set will not reach live connections: {}",
                                   iterator_offered.error().line()));
  }
  if (auto loaded = object->load(description.has_iterator && iterator_offered,
                                 manager_name(file.name, cgroup.id()));
      !loaded) {
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
  auto staged = store_.stage(file.name, cgroup.id(), origin);
  if (!staged) {
    return pass(staged);
  }
  auto links = make_links(*object, cgroup);
  if (!links) {
    return pass(links);
  }
  if (auto pinned = pin_all(*object, *links, staged->entry()); !pinned) {
    return pass(pinned);
  }
  if (auto committed = staged->commit(); !committed) {
    return pass(committed);
  }
  const auto pins = staged->final_entry();
  interfaces_.erase(pins.path);
  if (*addresses) {
    addresses_.keep(pins, std::move(**addresses));
  }
  if (description.interface.claims_sessions) {
    const auto info = cgroup_link(links->cgroup.get());
    warn_of_other_managers(pins, cgroup, info ? info->link_id : 0, warnings);
  }
  return Changed{std::move(warnings), {}};
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
  auto interface = interface_at(pins);
  if (!interface) {
    return pass(interface);
  }
  const bool untold = PinStore::is_untold(pins);
  if ((*interface)->local_addrs) {
    const auto& schema = (*interface)->schema;
    auto values = values_of(pins, schema);
    if (!values) {
      return pass(values);
    }
    if (auto adopted =
            addresses_.adopt(pins, *(*interface)->local_addrs, address_rules(schema, *values));
        !adopted) {
      return adopted;
    }
  }
  if (!untold) {
    return {};
  }
  // Killed between a change and telling of it.
  auto cgroup = Cgroup::by_id(attachment.info.cgroup_id);
  if (!cgroup || !*cgroup) {
    return cgroup ? Status() : pass(cgroup);
  }
  auto told = tell_connections(pins, **cgroup);
  if (!told.errors.empty()) {
    return tl::make_unexpected(
        std::move(told.errors.front()).in("live connections keep old values"));
  }
  PinStore::mark_told(pins, kUntoldAddresses);
  spdlog::info("{} on {}: told live connections what a predecessor had not", pins.name,
               attachment.cgroup_path);
  return {};
}

Status Attachments::detach(const std::string& name, std::uint64_t cgroup_id) const {
  auto attachment = find(name, cgroup_id);
  if (!attachment) {
    return pass(attachment);
  }
  // Detaches even if another process has the link open. Linux before 5.9 cannot;
  // there the link goes with its pin.
  bpf_link_detach(attachment->link.get());
  if (is_pinned(attachment->pins.manager())) {
    if (const auto manager = open_pin(attachment->pins.manager())) {
      bpf_link_detach(manager->get());
    }
  }
  forget(attachment->pins);
  return PinStore::remove(attachment->pins);
}

Result<Attachments::Changed> Attachments::set(const std::string& name, const Cgroup& cgroup,
                                              const Settings& settings) const {
  auto attachment = find(name, cgroup.id());
  if (!attachment) {
    return pass(attachment);
  }
  const auto& pins = attachment->pins;
  auto interface = interface_at(pins);
  if (!interface) {
    return pass(interface);
  }
  const auto& schema = (*interface)->schema;
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
  if (auto possible = check_settings(features_, schema, settings); !possible) {
    return pass(possible);
  }
  if (is_pinned(pins.iterator())) {
    PinStore::mark_untold(pins, kUntoldParams);
  }
  if (auto written = maps->write(*changed); !written) {
    PinStore::mark_told(pins, kUntoldParams);
    return pass(written);
  }
  Changed done;
  if ((*interface)->local_addrs) {
    done.warnings =
        addresses_.choose(pins, *(*interface)->local_addrs, address_rules(schema, *changed));
  }
  done.told = tell_connections(pins, cgroup);
  warn_of_untold(done.told, done.warnings);
  return done;
}

}  // namespace tcpopt
