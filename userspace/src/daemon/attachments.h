// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching programs to cgroups, changing them, finding them again.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/origin.h"
#include "base/unique_fd.h"
#include "bpf/features.h"
#include "bpf/object.h"
#include "bpf/pinned.h"
#include "bpf/program_dirs.h"
#include "daemon/address_keeper.h"
#include "daemon/pin_store.h"
#include "daemon/tell.h"
#include "kernel/cgroup.h"
#include "params/lists.h"
#include "params/value.h"

namespace tcpopt {

/// Keeps nothing in memory that decides: each call looks at the pins and at the
/// kernel, so that nothing could be out of date. What the types of an attachment say,
/// which cannot change, is remembered.
class Attachments {
 public:
  /// @param addresses lives longer
  Attachments(PinStore store, AddressKeeper& addresses)
      : store_(std::move(store)), addresses_(addresses), features_(that_remember(all_features())) {}

  struct Attachment {
    PinStore::Entry pins;
    UniqueFd link;
    CgroupLink info;
    std::string cgroup_path;
    bool removed = false;  ///< its cgroup is, but not all of the sockets made in it
  };

  /// Calls @p visit for what is attached now, behind @p after in the order of the pins,
  /// until that returns false. What went with its cgroup is left out, and its pins
  /// are removed as soon as the kernel has detached it.
  [[nodiscard]] Status each(const std::string& after,
                            const std::function<bool(const Attachment&)>& visit) const;

  /// Where its pins are, or nothing: it is not attached.
  [[nodiscard]] std::optional<PinStore::Entry> pins_of(const std::string& name,
                                                       std::uint64_t cgroup_id) const {
    return store_.find(name, cgroup_id);
  }

  /// Whether something is left of what has its pins there.
  [[nodiscard]] bool is_left(const std::filesystem::path& pins) const;

  /// Of what a predecessor attached, all that has to be kept by somebody, and tells
  /// live connections what they may have missed.
  /// Errors: its pins cannot be read.
  [[nodiscard]] Status adopt(const Attachment& attachment) const;

  /// Things that went less well than they could have, though the request was done.
  using Warnings = std::vector<std::string>;

  struct Changed {
    Warnings warnings;
    Told told;  ///< of set()
  };

  /// Errors: attached there already; the object, its requirements, @p settings; it
  /// would switch off somebody's program and @p force does not say to; the kernel
  /// refuses. Nothing is changed then.
  [[nodiscard]] Result<Changed> attach(const ProgramFile& file, const Cgroup& cgroup,
                                       const Settings& settings, bool force = false,
                                       Origin origin = Origin::Hand) const;

  /// @param cgroup_id also of one that was removed
  /// Errors: not attached there.
  [[nodiscard]] Status detach(const std::string& name, std::uint64_t cgroup_id) const;

  /// Changes parameters, all or none, and tells live connections through the
  /// program's iterator. Errors: not attached there; @p settings.
  [[nodiscard]] Result<Changed> set(const std::string& name, const Cgroup& cgroup,
                                    const Settings& settings) const;

  /// name, cgroup, cgroup_id, link_id, prog_id, since (Unix time in seconds),
  /// params, stats; path_manager, its name if it is one of struct_ops; local_addrs (see
  /// AddressMap::describe()) if it is told of them; shown (see shown_json()); removed; behind: the
  /// path manager that claims before this one.
  [[nodiscard]] nlohmann::json describe(const Attachment& attachment) const;

  /// What describe() leaves out: help: {params: {NAME: {unit, help}}, stats: {NAME: help}};
  /// others: [{id, name, cgroup}], the sock_ops programs of its cgroup and of those above
  /// that are none of ours.
  /// @param ours ids of the programs that are
  [[nodiscard]] nlohmann::json details(const Attachment& attachment,
                                       const std::set<std::uint32_t>& ours) const;

 private:
  using InterfacePtr = std::shared_ptr<const Interface>;

  [[nodiscard]] std::optional<Attachment> look(PinStore::Entry entry) const;
  [[nodiscard]] Result<Attachment> find(const std::string& name, std::uint64_t cgroup_id) const;
  void forget(const PinStore::Entry& pins) const;
  [[nodiscard]] Result<InterfacePtr> interface_at(const PinStore::Entry& pins) const;

  /// Path managers on @p cgroups that claim sessions before the one that has @p link_id
  /// can.
  [[nodiscard]] std::vector<Attachment> managers_before(const std::set<std::uint64_t>& below,
                                                        std::uint64_t cgroup_id,
                                                        std::uint32_t link_id) const;
  void warn_of_other_managers(const PinStore::Entry& pins, const Cgroup& cgroup,
                              std::uint32_t link_id, Warnings& warnings) const;

  /// Nothing if the program is told of none. Adds to @p warnings.
  [[nodiscard]] Result<std::optional<AddressMap>> fill_addresses(const Object& object,
                                                                 const Values& values,
                                                                 const Cgroup& cgroup,
                                                                 Warnings& warnings) const;

  PinStore store_;
  AddressKeeper& addresses_;
  std::vector<Feature> features_;
  mutable std::map<std::filesystem::path, InterfacePtr> interfaces_;
};

}  // namespace tcpopt
