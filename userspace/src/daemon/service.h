// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/attachments.h"
#include "ipc/message.h"

namespace tcpopt {

/// Turns requests into replies. Attach and Set answer {"warnings": [...]},
/// List {"attachments": [...], "next": NAME} where "next", if it is there, is
/// what the request for the next page carries in `after`.
class Service {
 public:
  Service(std::vector<std::filesystem::path> program_directories, Attachments attachments)
      : program_directories_(std::move(program_directories)),
        attachments_(std::move(attachments)) {}

  [[nodiscard]] Reply handle(const Request& request, UniqueFd passed) const;

  /// Takes over what a previous daemon left attached, and logs it.
  [[nodiscard]] Status adopt() const;

 private:
  [[nodiscard]] Reply change(const Request& request, const Cgroup& cgroup) const;
  [[nodiscard]] Reply list(const Request& request) const;

  std::vector<std::filesystem::path> program_directories_;
  Attachments attachments_;
};

}  // namespace tcpopt
