// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

namespace tcpopt {

Result<UniqueFd> lock(const std::filesystem::path& path) {
  std::error_code code;
  const bool directory = std::filesystem::is_directory(path, code);
  UniqueFd file(::open(
      path.c_str(), directory ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC,
      S_IRUSR | S_IWUSR));
  if (!file) {
    return fail_errno(errno, path.string(), "run as root");
  }
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(fmt::format("another tcpopt-loader holds {}", path.string()),
                  "talk to that one with tcpoptctl, or stop it first (its attachments stay)");
    }
    return fail_errno(errno, path.string());
  }
  return file;
}

}  // namespace tcpopt
