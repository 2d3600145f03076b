// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tcpopt {

/// What the verifier wrote while it refused a program.
class VerifierLog {
 public:
  explicit VerifierLog(std::string_view text);

  /// The line that says why: the last one that is not the verifier's statistics.
  /// Empty if there is no log.
  [[nodiscard]] std::string verdict() const;
  [[nodiscard]] std::vector<std::string> last_lines(std::size_t count = 20) const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace tcpopt
