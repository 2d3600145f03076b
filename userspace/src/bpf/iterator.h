// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <span>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tcpopt {

/// A loaded iter/tcp program, ready to walk the TCP sockets of a network namespace.
class Iterator {
 public:
  /// @param program_fd a loaded program of SEC("iter/tcp")
  static Result<Iterator> create(int program_fd);

  /// Calls the program for each TCP socket in the network namespace of the
  /// calling thread and waits for the end.
  [[nodiscard]] Status run() const {
    return run([](std::span<const char>) {});
  }

  /// The same. @param take is given what the program writes, in pieces of any length
  [[nodiscard]] Status run(const std::function<void(std::span<const char>)>& take) const;

 private:
  explicit Iterator(UniqueFd link) : link_(std::move(link)) {}

  UniqueFd link_;
};

}  // namespace tcpopt
