// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include "base/error.h"
#include "ipc/message.h"

namespace tcpopt {

/// Asks the daemon whose socket is in @p run_directory and waits for its reply.
/// @param cgroup descriptor of the cgroup directory, or -1
/// Errors: no daemon there; not permitted; no answer; what the daemon answers.
[[nodiscard]] Reply ask(const std::filesystem::path& run_directory, const Request& request,
                        int cgroup = -1);

}  // namespace tcpopt
