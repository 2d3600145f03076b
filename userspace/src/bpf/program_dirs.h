// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

/// A program that can be attached: NAME lives in NAME.bpf.o.
struct ProgramFile {
  std::string name;
  std::filesystem::path path;
};

/// Whether @p name is [a-z0-9][a-z0-9_-]{0,31}; anything else could leave the
/// program directories or collide with the daemon's own pins.
[[nodiscard]] bool is_program_name(std::string_view name);

/// Looks @p name up in @p directories; the first one that has it wins.
/// Errors: a name that is none; an unknown one (lists the known ones).
[[nodiscard]] Result<ProgramFile> find_program(
    const std::vector<std::filesystem::path>& directories, const std::string& name);

/// All programs by name. Directories that do not exist hold none.
[[nodiscard]] std::vector<ProgramFile> all_programs(
    const std::vector<std::filesystem::path>& directories);

}  // namespace tcpopt
