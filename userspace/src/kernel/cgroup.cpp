// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <utility>

#include "kernel/directory_tree.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

// FILEID_KERNFS of linux/exportfs.h, which is not exported to userspace: the
// handle is the 64-bit id of the kernfs node. Stable since Linux 5.5.
constexpr int kFileidKernfs = 0xfe;

// struct file_handle with room for a kernfs id behind it.
struct alignas(file_handle) KernfsHandle {
  std::array<std::byte, sizeof(file_handle) + sizeof(std::uint64_t)> bytes{};

  file_handle* get() { return reinterpret_cast<file_handle*>(bytes.data()); }
  std::byte* id() { return bytes.data() + offsetof(file_handle, f_handle); }
};

std::string v2_example() {
  const auto mount = cgroup2_mount();
  return mount
             ? fmt::format("give a directory below {}, where cgroup v2 is mounted", mount->string())
             : "mount cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup) and give a directory in it";
}

Result<std::uint64_t> cgroup_id(int fd) {
  KernfsHandle handle;
  handle.get()->handle_bytes = sizeof(std::uint64_t);
  int mount_id = 0;
  if (name_to_handle_at(fd, "", handle.get(), &mount_id, AT_EMPTY_PATH) != 0) {
    return fail_errno(errno, "its id");
  }
  std::uint64_t id = 0;
  std::memcpy(&id, handle.id(), sizeof(id));
  return id;
}

/// Adds the numbers in a file of the kernel's such as cgroup.procs.
Status add_numbers(int fd, std::vector<pid_t>& numbers) {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t count = 0;
  while ((count = read(fd, part.data(), part.size())) != 0) {
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      // Its cgroup is on its way out.
      return errno == ENODEV ? Status() : fail_errno(errno, "read");
    }
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  std::istringstream lines(text);
  for (pid_t number = 0; lines >> number;) {
    // 0: a process outside of our PID namespace.
    if (number > 0) {
      numbers.push_back(number);
    }
  }
  return {};
}

/// Adds the processes of the cgroup @p directory, without those below.
Status add_processes(int directory, std::vector<pid_t>& pids) {
  // Of a threaded cgroup the kernel lists the threads only.
  for (const auto* const name : {"cgroup.procs", "cgroup.threads"}) {
    const UniqueFd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
    if (!file) {
      return errno == ENOENT || errno == ENODEV ? Status() : fail_errno(errno, name);
    }
    auto added = add_numbers(file.get(), pids);
    if (added || errno != EOPNOTSUPP) {
      return added ? Status() : pass(added, name);
    }
  }
  return {};
}

fs::path path_of(int fd) {
  std::error_code code;
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), code);
}

/// Looked for until it is found: asking for a thousand cgroups takes one look.
class CgroupRoot {
 public:
  [[nodiscard]] Result<int> fd() const {
    if (!fd_) {
      const auto mount = cgroup2_mount();
      if (!mount) {
        return fail("cgroup v2 is not mounted", "mount -t cgroup2 none /sys/fs/cgroup");
      }
      fd_ = UniqueFd(::open(mount->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!fd_) {
        return fail_errno(errno, mount->string());
      }
    }
    return fd_.get();
  }

 private:
  mutable UniqueFd fd_;
};

}  // namespace

std::optional<fs::path> cgroup2_mount() {
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "re"),
                                                     endmntent);
  if (!mounts) {
    return std::nullopt;
  }
  mntent entry{};
  std::array<char, 4096> text{};
  while (getmntent_r(mounts.get(), &entry, text.data(), static_cast<int>(text.size())) != nullptr) {
    if (std::string_view(entry.mnt_type) == "cgroup2") {
      return entry.mnt_dir;
    }
  }
  return std::nullopt;
}

Result<Cgroup> Cgroup::open(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) {
    return from_fd(std::move(fd), path);
  }
  const auto cause = fmt::format("cgroup {}", path.string());
  switch (errno) {
    case ENOENT:
      return fail(cause + ": it does not exist",
                  fmt::format("mkdir {} or {}", path.string(), v2_example()));
    case ENOTDIR:
      return fail(cause + ": it is not a directory", v2_example());
    case EACCES:
      return fail_errno(errno, cause, "run as root");
    default:
      return fail_errno(errno, cause, v2_example());
  }
}

Result<Cgroup> Cgroup::from_fd(UniqueFd fd, fs::path path) {
  const auto cause = fmt::format("cgroup {}", path.string());
  struct statfs filesystem {};
  if (fstatfs(fd.get(), &filesystem) != 0) {
    return fail_errno(errno, cause);
  }
  if (filesystem.f_type == CGROUP_SUPER_MAGIC) {
    return fail(cause + ": it is cgroup v1", v2_example());
  }
  if (filesystem.f_type != CGROUP2_SUPER_MAGIC) {
    return fail(cause + ": it is not a cgroup", v2_example());
  }
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, cause);
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(cause + ": it is a file of a cgroup",
                fmt::format("give its directory, {}", path.parent_path().string()));
  }
  auto id = cgroup_id(fd.get());
  if (!id) {
    return pass(id, cause);
  }
  return Cgroup(std::move(fd), *id, std::move(path));
}

Result<std::optional<Cgroup>> Cgroup::by_id(std::uint64_t id) {
  static const CgroupRoot root;
  const auto fd_of_root = root.fd();
  if (!fd_of_root) {
    return tl::make_unexpected(fd_of_root.error());
  }
  KernfsHandle handle;
  handle.get()->handle_bytes = sizeof(id);
  handle.get()->handle_type = kFileidKernfs;
  std::memcpy(handle.id(), &id, sizeof(id));
  UniqueFd fd(open_by_handle_at(*fd_of_root, handle.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    // ESTALE: no such node; ENOENT: it is on its way out.
    if (errno == ESTALE || errno == ENOENT) {
      return std::nullopt;
    }
    return fail_errno(errno, fmt::format("cgroup with id {}", id));
  }
  auto path = path_of(fd.get());
  return Cgroup(std::move(fd), id, std::move(path));
}

bool Cgroup::is_owned_by_root() const {
  struct stat status {};
  return fstat(fd(), &status) == 0 && status.st_uid == 0;
}

std::optional<Cgroup> Cgroup::parent() const {
  UniqueFd above(openat(fd(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above) {
    return std::nullopt;
  }
  auto path = path_of(above.get());
  auto parent = from_fd(std::move(above), std::move(path));
  return parent && parent->id() != id() ? std::optional(std::move(*parent)) : std::nullopt;
}

Status Cgroup::walk(const std::function<Status(int)>& visit) const {
  Status visited;
  auto walked = walk_directories(fd(), [&](int directory) {
    auto done = visit(directory);
    visited = visited ? std::move(done) : std::move(visited);
  });
  auto& failed = walked ? visited : walked;
  return failed ? Status() : pass(failed, fmt::format("cgroups below {}", path_.string()));
}

Cgroup::Found<std::set<std::uint64_t>> Cgroup::ids() const {
  Found<std::set<std::uint64_t>> found;
  found.complete = walk([&found](int directory) -> Status {
    auto id = cgroup_id(directory);
    if (!id) {
      return pass(id);
    }
    found.all.insert(*id);
    return {};
  });
  return found;
}

Cgroup::Found<std::vector<pid_t>> Cgroup::processes() const {
  Found<std::vector<pid_t>> found;
  found.complete = walk([&found](int directory) { return add_processes(directory, found.all); });
  return found;
}

}  // namespace tcpopt
