// SPDX-License-Identifier: GPL-2.0-or-later
// Links and maps as a later process finds them: by their pins in a bpffs.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/handles.h"
#include "params/schema.h"
#include "params/value.h"

namespace tcpopt {

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

/// One update of the one element of a `params` map. A program running meanwhile
/// sees each 8-byte word old or new (the kernel copies word by word).
[[nodiscard]] Status write_params(int map_fd, const Bytes& value);

/// The `params` map, with the types that the kernel keeps for it.
class ParamsMap {
 public:
  static Result<ParamsMap> open(UniqueFd map);

  [[nodiscard]] const Schema& schema() const { return schema_; }
  [[nodiscard]] Result<Bytes> read() const;
  [[nodiscard]] Status write(const Bytes& value) const;

 private:
  ParamsMap(UniqueFd map, Schema schema) : map_(std::move(map)), schema_(std::move(schema)) {}

  UniqueFd map_;
  Schema schema_;
};

/// Counters of a `stats` map summed over CPUs, as {"name": count, ...}.
[[nodiscard]] Result<nlohmann::json> read_stats(const UniqueFd& map);

}  // namespace tcpopt
