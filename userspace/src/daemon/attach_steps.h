// SPDX-License-Identifier: GPL-2.0-or-later
// What attaching asks of the kernel, a function a step.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/object.h"
#include "daemon/pin_store.h"
#include "kernel/cgroup.h"

namespace tcpopt {

/// The link to the cgroup, and before it that of a path manager, or sessions would
/// choose one that is not there.
struct Links {
  UniqueFd manager;
  UniqueFd cgroup;
};

/// Errors: attaching to @p cgroup would switch off somebody's program there or above,
/// and @p force does not say to. With it that is one of the @p warnings.
[[nodiscard]] Status check_override(const Cgroup& cgroup, bool force,
                                    std::vector<std::string>& warnings);

/// Attaches a loaded object. What was made goes again if a later one fails.
/// Errors: the kernel refuses.
[[nodiscard]] Result<Links> make_links(const Object& object, const Cgroup& cgroup);

/// Pins what makes up an attachment, the link to the cgroup last.
/// Errors: the kernel refuses.
[[nodiscard]] Status pin_all(const Object& object, const Links& links, const PinStore::Entry& at);

}  // namespace tcpopt
