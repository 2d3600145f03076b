// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

Result<NetNamespace> open_namespace(const std::string& path) {
  NetNamespace space{UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path, 0, {}};
  struct stat status {};
  if (!space.fd || fstat(space.fd.get(), &status) != 0) {
    return fail_errno(errno, path);
  }
  space.inode = status.st_ino;
  return space;
}

/// Not through <sys/pidfd.h>, whose functions C++ cannot link before glibc 2.37.
UniqueFd open_process(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool has_ended(const UniqueFd& process) {
  pollfd watched{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) != 0;
}

/// Whether that is what looking at a process says when it has ended.
bool means_ended(int err) { return err == ENOENT || err == ESRCH; }

/// Adds the namespace of @p pid, or makes the process the witness of one that is in
/// @p spaces. Errors: it runs, and cannot be looked at.
Status add_namespace_of(pid_t pid, std::vector<NetNamespace>& spaces) {
  const auto known = [&spaces](ino_t inode) {
    return std::find_if(spaces.begin(), spaces.end(),
                        [inode](const NetNamespace& space) { return space.inode == inode; });
  };
  const auto path = fmt::format("/proc/{}/ns/net", pid);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return means_ended(errno) ? Status() : fail_errno(errno, "look");
  }
  if (const auto at = known(status.st_ino); at != spaces.end() && at->witness) {
    return {};
  }
  auto witness = open_process(pid);
  if (!witness) {
    // EINVAL, ENOENT: a thread, whose process is looked at where that is.
    return means_ended(errno) || errno == EINVAL ? Status() : fail_errno(errno, "pidfd");
  }
  auto space = open_namespace(path);
  // The descriptor comes first: if its process still runs, the path was that one's.
  if (has_ended(witness)) {
    return {};
  }
  if (!space) {
    return pass(space);
  }
  auto at = known(space->inode);
  if (at == spaces.end()) {
    space->found_at = fmt::format("pid {}", pid);
    at = spaces.insert(at, std::move(*space));
  }
  at->witness = std::move(witness);
  return {};
}

}  // namespace

Result<NetNamespace> own_namespace() {
  auto own = open_namespace("/proc/self/ns/net");
  if (own) {
    own->found_at = "the daemon";
  }
  return own;
}

Result<NetNamespaces> namespaces_of(const Cgroup& cgroup) {
  auto own = own_namespace();
  if (!own) {
    return pass(own);
  }
  NetNamespaces found;
  found.all.push_back(std::move(*own));
  auto processes = cgroup.processes();
  found.complete = std::move(processes.complete);
  for (const auto pid : processes.all) {
    if (auto added = add_namespace_of(pid, found.all); !added && found.complete) {
      found.complete = pass(added, fmt::format("network namespace of pid {}", pid));
    }
  }
  return found;
}

std::vector<Error> run_inside(std::span<const NetNamespace> namespaces,
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
