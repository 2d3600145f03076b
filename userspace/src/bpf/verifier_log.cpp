// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/verifier_log.h"

#include <algorithm>
#include <sstream>

namespace tcpopt {

VerifierLog::VerifierLog(std::string_view text) {
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) {
      lines_.push_back(line);
    }
  }
}

std::string VerifierLog::verdict() const {
  const auto found = std::find_if(lines_.rbegin(), lines_.rend(), [](std::string_view line) {
    return !line.starts_with("processed ") && !line.starts_with("verification time ") &&
           !line.starts_with("stack depth ");
  });
  return found == lines_.rend() ? "" : *found;
}

std::vector<std::string> VerifierLog::last_lines(std::size_t count) const {
  const auto skip = lines_.size() - std::min(count, lines_.size());
  return {lines_.begin() + static_cast<std::ptrdiff_t>(skip), lines_.end()};
}

}  // namespace tcpopt
