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
#include "bpf/pinned.h"
#include "bpf/program_dirs.h"
#include "daemon/pin_store.h"
#include "kernel/cgroup.h"
#include "params/value.h"

namespace tcpopt {

/// Keeps nothing in memory: each call looks at the pins and at the kernel, so
/// that there is nothing to adopt and nothing that could be out of date.
class Attachments {
 public:
  explicit Attachments(PinStore store) : store_(std::move(store)) {}

  struct Attachment {
    PinStore::Entry pins;
    UniqueFd link;
    CgroupLink info;
    std::string cgroup_path;
  };

  /// What is attached now. What went with its cgroup is left out, and its pins
  /// are removed as soon as the kernel has detached it.
  [[nodiscard]] Result<std::vector<Attachment>> all() const;

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
  /// params, stats.
  [[nodiscard]] static nlohmann::json describe(const Attachment& attachment);

 private:
  [[nodiscard]] static std::optional<Attachment> look(PinStore::Entry entry);
  [[nodiscard]] Result<Attachment> find(const std::string& name, const Cgroup& cgroup) const;

  PinStore store_;
};

}  // namespace tcpopt
