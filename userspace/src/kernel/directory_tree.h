// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// Calls @p visit with a descriptor of the directory @p top and of each below, the
/// upper ones first. One that is removed meanwhile is no fault, and hides no other;
/// std::filesystem::recursive_directory_iterator ends there without a word.
/// Errors: the first directory that is there and could not be looked into. The
/// others have been visited all the same.
[[nodiscard]] Status walk_directories(int top, const std::function<void(int directory)>& visit);

/// Names of what may be directories in @p directory; none if that was removed.
[[nodiscard]] Result<std::vector<std::string>> child_directories(int directory);

/// The one of that name in @p parent, or none and errno.
[[nodiscard]] UniqueFd open_directory(int parent, const char* name);

}  // namespace tcpopt
