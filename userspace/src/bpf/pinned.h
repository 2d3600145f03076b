// SPDX-License-Identifier: GPL-2.0-or-later
// Links and maps as a later process finds them: by their pins in a bpffs.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/handles.h"
#include "params/schema.h"

namespace tcpopt {

[[nodiscard]] bool is_pinned(const std::filesystem::path& path);
[[nodiscard]] Result<UniqueFd> open_pin(const std::filesystem::path& path);
[[nodiscard]] Status pin(int fd, const std::filesystem::path& path);

struct CgroupLink {
  std::uint32_t link_id = 0;
  std::uint32_t prog_id = 0;
  /// 0: the kernel has detached it, its cgroup is gone.
  std::uint64_t cgroup_id = 0;
};
/// Errors: the descriptor is not of a sock_ops link on a cgroup.
[[nodiscard]] Result<CgroupLink> cgroup_link(int fd);

/// Attaches behind whatever is attached already (and runs after it).
/// Returns the link; closing it unpinned detaches.
[[nodiscard]] Result<UniqueFd> attach_to_cgroup(int program_fd, int cgroup_fd);

/// The BTF of an object file, in the file's words.
using BtfBytes = std::vector<std::byte>;

/// Errors: something that they refer to is not there.
[[nodiscard]] Result<BtfHandle> parse_types(const BtfBytes& bytes);

/// A map that does nothing but keep @p types for a later process.
[[nodiscard]] Result<UniqueFd> make_types_map(const BtfBytes& types);
[[nodiscard]] Result<BtfHandle> read_types(const UniqueFd& map);

/// Counters of a `stats` map summed over CPUs, as {"name": count, ...}.
[[nodiscard]] Result<nlohmann::json> read_stats(const UniqueFd& map,
                                                const std::vector<Counter>& counters);

}  // namespace tcpopt
