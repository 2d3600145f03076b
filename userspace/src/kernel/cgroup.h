// SPDX-License-Identifier: GPL-2.0-or-later
// cgroup v2 directories, by descriptor and by the kernel's 64-bit id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// An open cgroup v2 directory. The descriptor is what names it: paths differ
/// from one mount namespace to the next and may be removed and made anew.
class Cgroup {
 public:
  /// Opens @p path. Errors: it does not exist, is no directory, is not a
  /// cgroup, is cgroup v1.
  static Result<Cgroup> open(const std::filesystem::path& path);

  /// Takes over a descriptor that somebody else opened; same checks.
  /// @param path for messages only
  static Result<Cgroup> from_fd(UniqueFd fd, std::filesystem::path path);

  /// The cgroup that has @p id, or nothing if that was removed.
  /// Errors: no cgroup2 mount to look it up on; missing privilege
  /// (CAP_DAC_READ_SEARCH, see open_by_handle_at(2)).
  static Result<std::optional<Cgroup>> by_id(std::uint64_t id);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Not delegated to a user. What cannot be looked at counts as delegated.
  [[nodiscard]] bool is_owned_by_root() const;

  /// The one above; nothing: it is the topmost that is mounted here.
  [[nodiscard]] std::optional<Cgroup> parent() const;

  /// What a walk over it and the cgroups below found. Of those that come or go
  /// meanwhile it may be in it or not.
  template <class T>
  struct Found {
    T all;
    Status complete;  ///< or why something that stays may be missing
  };

  /// Its id and those of the cgroups below it.
  [[nodiscard]] Found<std::set<std::uint64_t>> ids() const;

  /// Processes in it and below it.
  [[nodiscard]] Found<std::vector<pid_t>> processes() const;

 private:
  Cgroup(UniqueFd fd, std::uint64_t id, std::filesystem::path path)
      : fd_(std::move(fd)), id_(id), path_(std::move(path)) {}

  /// Calls @p visit for its directory and each below, as long as it succeeds.
  [[nodiscard]] Status walk(const std::function<Status(int directory)>& visit) const;

  UniqueFd fd_;
  std::uint64_t id_;
  std::filesystem::path path_;
};

/// Where cgroup v2 is mounted, or nothing.
[[nodiscard]] std::optional<std::filesystem::path> cgroup2_mount();

}  // namespace tcpopt
