// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "bpf/program_dirs.h"

namespace tcpopt {

/// What the process does that has an object file open. It answers on @p socket with
/// one message {"words"} or {"error"}, its types passed along as a file; then to
/// {"iterator": whether to load it, "manager": its name if it is one} with a message for
/// each descriptor, {"program"}, {"iterator"}, {"operations"}, {"map": NAME}, then {"done"}
/// or {"error"}. Ends when the other side does.
[[noreturn]] void read_object(const ProgramFile& file, int socket);

}  // namespace tcpopt
