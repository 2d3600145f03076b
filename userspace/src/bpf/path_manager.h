// SPDX-License-Identifier: GPL-2.0-or-later
// MPTCP path managers of struct_ops (bpf-progs/tcpopt_pm_ops.h): sessions choose one by
// its name, which a program of type sock_ops says. Each attachment has a name of its own.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// MPTCP_PM_NAME_MAX, with its NUL.
inline constexpr std::size_t kManagerNameSize = 16;

/// Of @p program attached to a cgroup: "fullmesh.1a2b". The same for the same two, so
/// that live sessions find the next attachment, and another one for each cgroup.
[[nodiscard]] std::string manager_name(std::string_view program, std::uint64_t cgroup_id);

/// Registers a path manager: sessions may choose it from then on, and those that an
/// earlier one of that name had are its own.
/// @param map of struct_ops, see OperationsMap::fill()
/// Returns the link; closing it unpinned ends that.
/// Errors: one of that name is there.
[[nodiscard]] Result<UniqueFd> register_manager(int map);

/// The operations in an object file. Valid as long as that is open.
class OperationsMap {
 public:
  /// Nothing if the object has none.
  /// Errors: more than one; none of the functions is one of them, or the other way round;
  /// no variable `pm_name`.
  static Result<std::optional<OperationsMap>> in(bpf_object& object);

  /// Before the object is loaded.
  /// @param name that the program of type sock_ops is to say
  Status prepare(const std::string& name);

  /// After it was. With the same name; the map is good for register_manager() then.
  /// Errors: the kernel has another kind of operations by that name.
  [[nodiscard]] Status fill(const std::string& name) const;

  [[nodiscard]] int fd() const { return bpf_map__fd(map_); }

  [[nodiscard]] const std::vector<bpf_program*>& functions() const { return functions_; }

 private:
  OperationsMap(bpf_object& object, bpf_map& map, std::vector<bpf_program*> functions)
      : object_(&object), map_(&map), functions_(std::move(functions)) {}

  bpf_object* object_;
  bpf_map* map_;
  std::vector<bpf_program*> functions_;
};

}  // namespace tcpopt
