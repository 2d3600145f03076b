// SPDX-License-Identifier: GPL-2.0-or-later
// What the subcommands of tcpoptctl do. Each prints its result on stdout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/defaults.h"
#include "base/error.h"
#include "ipc/message.h"

namespace tcpopt {

struct CtlOptions {
  std::vector<std::filesystem::path> programs{kProgramDirectory};
  std::filesystem::path run_directory{kRunDirectory};
  std::string name;
  std::filesystem::path cgroup;
  std::vector<std::string> settings;       ///< "key=value" each
  std::vector<std::string> more_settings;  ///< The same, by --set
  std::uint64_t cgroup_id = 0;             ///< of detach, in place of cgroup
  bool force = false;                      ///< of attach
  /// Of config and apply; the first that has a file of a name wins.
  std::vector<std::filesystem::path> config{kConfigDirectory, kProgramDirectory};
  std::vector<std::filesystem::path> files;  ///< in place of those there
  bool dry_run = false;                      ///< of apply
  bool watch = false;                        ///< of status
  bool json = false;
};

/// attach, detach and set. Errors also when the cgroup is not there.
[[nodiscard]] Status change_attachment(Command command, const CtlOptions& options);
/// All that is attached now, as `list` of the daemon has it.
[[nodiscard]] Reply attachments_now(const CtlOptions& options);
[[nodiscard]] Status list_attachments(const CtlOptions& options);
[[nodiscard]] Status list_programs(const CtlOptions& options);
/// Of all attachments, or of those of one program. With watch it goes on each second until
/// it is interrupted. Errors also when that program is not attached.
[[nodiscard]] Status show_status(const CtlOptions& options);
[[nodiscard]] Status list_sessions(const CtlOptions& options);
/// Errors: the kernel lacks what the daemon needs, or what each installed program does.
[[nodiscard]] Status check_kernel(const CtlOptions& options);

}  // namespace tcpopt
