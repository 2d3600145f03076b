// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands of tcpoptctl that are about the policy.
#pragma once

#include "base/error.h"
#include "ctl/commands.h"

namespace tcpopt {

/// Looks at the given files, or at those of the policy. Needs no daemon.
/// Errors: one of them could not be applied.
[[nodiscard]] Status check_config(const CtlOptions& options);

/// Shows what differs from the policy, or from the one given file, and does that.
/// Errors: those of the files, before anything is changed; what the daemon refuses, after
/// what was done before is taken back.
[[nodiscard]] Status apply_policy(const CtlOptions& options);

}  // namespace tcpopt
