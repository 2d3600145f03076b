// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "base/error.h"

namespace tcpopt {

/// Logs to stderr through spdlog. Under systemd each line starts with its
/// priority as "<N>" (sd-daemon(3)), otherwise with the level's name; the
/// journal, or a terminal, adds the time. libbpf's messages come at debug level.
/// @param level one of trace, debug, info, warning, error, critical, off
[[nodiscard]] Status start_logging(const std::string& level);

}  // namespace tcpopt
