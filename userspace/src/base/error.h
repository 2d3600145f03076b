// SPDX-License-Identifier: GPL-2.0-or-later
// Errors as values: a cause that grows context on its way up, and a cure.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tcpopt {

/// What went wrong and what the user can do about it. Each is a phrase without
/// a full stop, so that "cause; cure" makes one line.
struct Error {
  std::string cause;
  std::string cure;

  /// The same error seen from one level up: "context: cause".
  [[nodiscard]] Error in(std::string_view context) &&;
  /// "cause; cure", or "cause" alone; printable(), so never more than one line.
  [[nodiscard]] std::string line() const;
};

/// @p text with control characters as "\\x0a": names that users choose, as of cgroups,
/// may have any, and must not forge a line or move a terminal's cursor.
[[nodiscard]] std::string printable(std::string_view text);

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] tl::unexpected<Error> fail(std::string cause, std::string cure = {});

/// "what: text of the errno". Takes errno or a negative libbpf return value.
[[nodiscard]] tl::unexpected<Error> fail_errno(int err, std::string_view what,
                                               std::string cure = {});

/// Hands the error of @p result up, with @p context if there is any.
template <class T>
[[nodiscard]] tl::unexpected<Error> pass(Result<T>& result, std::string_view context = {}) {
  if (context.empty()) {
    return tl::make_unexpected(std::move(result.error()));
  }
  return tl::make_unexpected(std::move(result.error()).in(context));
}

/// Text for an errno, also for those that the kernel leaks and libc does not
/// know, such as ENOTSUPP (524). Sign does not matter.
[[nodiscard]] std::string errno_text(int err);

}  // namespace tcpopt
