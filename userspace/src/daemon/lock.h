// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// Locks the file or directory @p path until the descriptor is closed, which
/// the kernel does when the process ends, however it ends. A file is created.
/// Errors: somebody else holds it (the cause says who, if the file tells).
[[nodiscard]] Result<UniqueFd> lock(const std::filesystem::path& path);

}  // namespace tcpopt
