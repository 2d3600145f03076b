// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

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

fs::path path_of(int fd) {
  std::error_code code;
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), code);
}

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
  auto id = cgroup_id(fd.get());
  if (!id) {
    return pass(id, cause);
  }
  return Cgroup(std::move(fd), *id, std::move(path));
}

Result<std::optional<Cgroup>> Cgroup::by_id(std::uint64_t id) {
  const auto mount = cgroup2_mount();
  if (!mount) {
    return fail("cgroup v2 is not mounted", "mount -t cgroup2 none /sys/fs/cgroup");
  }
  const UniqueFd root(::open(mount->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return fail_errno(errno, mount->string());
  }
  KernfsHandle handle;
  handle.get()->handle_bytes = sizeof(id);
  handle.get()->handle_type = kFileidKernfs;
  std::memcpy(handle.id(), &id, sizeof(id));
  UniqueFd fd(open_by_handle_at(root.get(), handle.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
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

void Cgroup::walk(const std::function<void(const fs::path&)>& visit) const {
  const fs::path top = fmt::format("/proc/self/fd/{}/", fd());
  visit(top);
  std::error_code code;
  for (fs::recursive_directory_iterator at(top, code), end; !code && at != end;
       at.increment(code)) {
    std::error_code vanished;
    if (at->is_directory(vanished)) {
      visit(at->path());
    }
  }
}

std::set<std::uint64_t> Cgroup::ids() const {
  std::set<std::uint64_t> found;
  walk([&found](const fs::path& directory) {
    const UniqueFd open(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto id = open ? cgroup_id(open.get()) : fail("gone");
    if (id) {
      found.insert(*id);
    }
  });
  return found;
}

std::vector<pid_t> Cgroup::processes() const {
  std::vector<pid_t> found;
  walk([&found](const fs::path& directory) {
    std::ifstream file(directory / "cgroup.procs");
    for (pid_t pid = 0; file >> pid;) {
      // 0: a process outside of our PID namespace.
      if (pid > 0) {
        found.push_back(pid);
      }
    }
  });
  return found;
}

}  // namespace tcpopt
