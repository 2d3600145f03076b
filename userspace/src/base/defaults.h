// SPDX-License-Identifier: GPL-2.0-or-later
// Where things are unless told otherwise. The build sets TCPOPT_PROGRAM_DIR.
#pragma once

namespace tcpopt {

inline constexpr const char* kProgramDirectory = TCPOPT_PROGRAM_DIR;
inline constexpr const char* kConfigDirectory = "/etc/tcpopt";
inline constexpr const char* kRunDirectory = "/run/tcpopt";
inline constexpr const char* kPinDirectory = "/sys/fs/bpf/tcpopt";
inline constexpr const char* kSocketName = "loader.sock";

}  // namespace tcpopt
