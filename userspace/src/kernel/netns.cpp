// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <system_error>
#include <thread>

namespace tcpopt {

namespace {

Status work_in(const NetNamespace& space, const std::function<Status()>& work) {
  if (setns(space.fd.get(), CLONE_NEWNET) != 0) {
    return fail_errno(errno, "enter");
  }
  return work();
}

}  // namespace

Result<std::vector<NetNamespace>> namespaces_of(const Cgroup& cgroup) {
  std::vector<NetNamespace> found;
  std::set<ino_t> seen;
  const auto add = [&](const std::string& path, std::string found_at) -> bool {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) {
      return false;
    }
    if (seen.insert(status.st_ino).second) {
      found.push_back({std::move(fd), std::move(found_at)});
    }
    return true;
  };
  if (!add("/proc/self/ns/net", "the daemon")) {
    return fail_errno(errno, "/proc/self/ns/net");
  }
  for (const auto pid : cgroup.processes()) {
    add(fmt::format("/proc/{}/ns/net", pid), fmt::format("pid {}", pid));
  }
  return found;
}

std::vector<Error> run_inside(const std::vector<NetNamespace>& namespaces,
                              const std::function<Status()>& work) {
  std::vector<Error> errors;
  try {
    std::jthread([&] {
      for (const auto& space : namespaces) {
        if (auto done = work_in(space, work); !done) {
          errors.push_back(
              std::move(done.error()).in(fmt::format("network namespace of {}", space.found_at)));
        }
      }
    }).join();
  } catch (const std::system_error& error) {
    errors.push_back({fmt::format("start a thread: {}", error.what()), {}});
  }
  return errors;
}

}  // namespace tcpopt
