// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching programs to cgroups, changing them, finding them again.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/object.h"
#include "bpf/pinned.h"
#include "bpf/program_dirs.h"
#include "daemon/address_keeper.h"
#include "daemon/pin_store.h"
#include "kernel/cgroup.h"
#include "params/lists.h"
#include "params/value.h"

namespace tcpopt {

/// Keeps nothing in memory: each call looks at the pins and at the kernel, so that
/// nothing could be out of date. Local addresses alone are kept by somebody.
class Attachments {
 public:
  /// @param addresses lives longer
  Attachments(PinStore store, AddressKeeper& addresses)
      : store_(std::move(store)), addresses_(addresses) {}

  struct Attachment {
    PinStore::Entry pins;
    UniqueFd link;
    CgroupLink info;
    std::string cgroup_path;
  };

  /// What is attached now. What went with its cgroup is left out, and its pins
  /// are removed as soon as the kernel has detached it.
  [[nodiscard]] Result<std::vector<Attachment>> all() const;

  /// Of what a predecessor attached, all that has to be kept by somebody.
  /// Errors: its pins cannot be read.
  [[nodiscard]] Status adopt(const Attachment& attachment) const;

  /// Things that went less well than they could have, though the request was done.
  using Warnings = std::vector<std::string>;

  /// Errors: attached there already; the object, its requirements, @p settings;
  /// the kernel refuses. Nothing is changed then.
  [[nodiscard]] Result<Warnings> attach(const ProgramFile& file, const Cgroup& cgroup,
                                        const Settings& settings) const;

  /// Errors: not attached there.
  [[nodiscard]] Status detach(const std::string& name, const Cgroup& cgroup) const;

  /// Changes parameters, all or none, and tells live connections through the
  /// program's iterator. Errors: not attached there; @p settings.
  [[nodiscard]] Result<Warnings> set(const std::string& name, const Cgroup& cgroup,
                                     const Settings& settings) const;

  /// name, cgroup, cgroup_id, link_id, prog_id, since (Unix time in seconds),
  /// params, stats; local_addrs (see AddressMap::describe()) if it is told of them.
  [[nodiscard]] nlohmann::json describe(const Attachment& attachment) const;

 private:
  [[nodiscard]] std::optional<Attachment> look(PinStore::Entry entry) const;
  [[nodiscard]] Result<Attachment> find(const std::string& name, const Cgroup& cgroup) const;

  /// Nothing if the program is told of none. Adds to @p warnings.
  [[nodiscard]] Result<std::optional<AddressMap>> fill_addresses(const Object& object,
                                                                 const Values& values,
                                                                 const Cgroup& cgroup,
                                                                 Warnings& warnings) const;

  PinStore store_;
  AddressKeeper& addresses_;
};

}  // namespace tcpopt
