// SPDX-License-Identifier: GPL-2.0-or-later
// Attachments as directories of pins in a bpffs. They are all the state there
// is: a killed daemon's successor finds in them everything it needs.
//
//   NAME@CGROUP-ID/link         the attachment itself
//   NAME@CGROUP-ID/manager      its path manager of struct_ops, if it has one
//   NAME@CGROUP-ID/iterator     the iter/tcp program, if there is one
//   NAME@CGROUP-ID/maps/...     the maps by their names
//   NAME@CGROUP-ID/types        a map that holds the BTF of the object file
//   NAME@CGROUP-ID/untold/      live connections have not heard of all changes yet
//   NAME@CGROUP-ID/policy/      the policy wants it; without it, it was attached by hand
//   _new-XXXXXXXX/              one being made; a leftover is worth nothing
//
// bpffs keeps names with a dot for itself, hence the underscore, with which no
// program name starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/origin.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// What live connections may not have heard of.
inline constexpr const char* kUntoldParams = "params";
inline constexpr const char* kUntoldAddresses = "addresses";

class PinStore {
 public:
  /// Makes @p directory if need be, locks it and clears leftovers away.
  /// Errors: no bpffs there; another daemon uses it.
  static Result<PinStore> open(const std::filesystem::path& directory);

  struct Entry {
    std::string name;  ///< of the program
    std::uint64_t cgroup_id = 0;
    std::filesystem::path path;

    [[nodiscard]] std::filesystem::path link() const { return path / "link"; }
    [[nodiscard]] std::filesystem::path manager() const { return path / "manager"; }
    [[nodiscard]] std::filesystem::path iterator() const { return path / "iterator"; }
    [[nodiscard]] std::filesystem::path types() const { return path / "types"; }
    [[nodiscard]] std::filesystem::path untold(const char* what) const {
      return path / "untold" / what;
    }
    [[nodiscard]] std::filesystem::path policy() const { return path / "policy"; }
    [[nodiscard]] std::filesystem::path map(const std::string& map_name) const {
      return path / "maps" / map_name;
    }
  };

  /// What is there, in order of the directory names, from the first one on that is
  /// behind @p after.
  [[nodiscard]] Result<std::vector<Entry>> entries(const std::string& after = {}) const;

  /// The one that has its pins there, or nothing.
  [[nodiscard]] static std::optional<Entry> at(const std::filesystem::path& path);
  /// That of @p name on the cgroup of that id, or nothing. Looks at no other.
  [[nodiscard]] std::optional<Entry> find(const std::string& name, std::uint64_t cgroup_id) const;

  /// An attachment in the making; its directory goes away with it unless
  /// commit() succeeded.
  class Staged {
   public:
    Staged(Staged&& other) noexcept;
    Staged& operator=(Staged&& other) = delete;
    Staged(const Staged&) = delete;
    Staged& operator=(const Staged&) = delete;
    ~Staged();

    /// Its paths while it is being made.
    [[nodiscard]] const Entry& entry() const { return entry_; }
    /// Its paths once it is.
    [[nodiscard]] Entry final_entry() const { return {entry_.name, entry_.cgroup_id, final_path_}; }
    /// Gives it its name, in one step.
    Status commit();

   private:
    friend class PinStore;
    Staged(Entry entry, std::filesystem::path final_path)
        : entry_(std::move(entry)), final_path_(std::move(final_path)) {}

    Entry entry_;
    std::filesystem::path final_path_;
  };

  [[nodiscard]] Result<Staged> stage(const std::string& name, std::uint64_t cgroup_id,
                                     Origin origin) const;

  [[nodiscard]] static Origin origin(const Entry& entry);

  /// Notes that live connections are about to miss something, or have heard of it. A
  /// successor finds out which of the two was the last.
  static void mark_untold(const Entry& entry, const char* what);
  static void mark_told(const Entry& entry, const char* what);
  [[nodiscard]] static bool is_untold(const Entry& entry);

  /// Removes the link first, so that nothing runs without its maps and nobody chooses a
  /// path manager that is not there, then that, then the rest.
  static Status remove(const Entry& entry);

 private:
  PinStore(std::filesystem::path directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::filesystem::path directory_;
  UniqueFd lock_;
};

}  // namespace tcpopt
