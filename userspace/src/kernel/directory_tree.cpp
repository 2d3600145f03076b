// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/directory_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tcpopt {

namespace {

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

bool has_vanished(int err) { return err == ENOENT || err == ENODEV; }

}  // namespace

UniqueFd open_directory(int parent, const char* name) {
  return UniqueFd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Read before any is entered: a directory stream per level would cost a descriptor each.
Result<std::vector<std::string>> child_directories(int directory) {
  auto own = open_directory(directory, ".");
  if (!own) {
    return has_vanished(errno) ? Result<std::vector<std::string>>() : fail_errno(errno, "open");
  }
  const std::unique_ptr<DIR, DirectoryCloser> stream(fdopendir(own.get()));
  if (!stream) {
    return fail_errno(errno, "open");
  }
  own.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    const auto* const entry = readdir(stream.get());
    if (entry == nullptr) {
      break;
    }
    const std::string_view name(static_cast<const char*>(entry->d_name));
    if (name != "." && name != ".." && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
      names.emplace_back(name);
    }
  }
  if (errno != 0 && !has_vanished(errno)) {
    return fail_errno(errno, "read");
  }
  return names;
}

Status walk_directories(int top, const std::function<void(int)>& visit) {
  visit(top);
  const auto names = child_directories(top);
  if (!names) {
    return tl::make_unexpected(names.error());
  }
  Status walked;
  const auto note = [&walked](Status status, const std::string& name) {
    if (walked && !status) {
      walked = pass(status, name);
    }
  };
  for (const auto& name : *names) {
    const auto child = open_directory(top, name.c_str());
    if (child) {
      note(walk_directories(child.get(), visit), name);
    } else if (!has_vanished(errno) && errno != ENOTDIR) {
      note(fail_errno(errno, "open"), name);
    }
  }
  return walked;
}

}  // namespace tcpopt
