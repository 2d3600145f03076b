// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/pin_store.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <random>
#include <system_error>

#include "bpf/program_dirs.h"
#include "daemon/lock.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStaging = "_new-";

bool is_bpffs(const fs::path& path) {
  struct statfs filesystem {};
  return statfs(path.c_str(), &filesystem) == 0 &&
         static_cast<unsigned long>(filesystem.f_type) == BPF_FS_MAGIC;
}

/// The entry whose directory is @p path, or nothing if it is not one of ours.
std::optional<PinStore::Entry> parse_entry(const fs::path& path) {
  const auto file = path.filename().string();
  const auto at = file.find('@');
  PinStore::Entry entry{file.substr(0, at), 0, path};
  if (at == std::string::npos || !is_program_name(entry.name)) {
    return std::nullopt;
  }
  const auto* const end = file.data() + file.size();
  const auto parsed = std::from_chars(file.data() + at + 1, end, entry.cgroup_id);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return std::nullopt;
  }
  return entry;
}

Result<std::vector<fs::path>> list(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code code;
  for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code)) {
    paths.push_back(at->path());
  }
  if (code) {
    return fail_errno(code.value(), directory.string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Result<PinStore> PinStore::open(const fs::path& directory) {
  std::error_code code;
  const bool there = fs::exists(directory, code);
  if (!is_bpffs(there ? directory : directory.parent_path())) {
    return fail(fmt::format("{}: there is no bpffs", directory.string()),
                "mount -t bpf bpf /sys/fs/bpf, or say with --bpffs where it is");
  }
  fs::create_directory(directory, code);
  if (code) {
    return fail_errno(code.value(), directory.string(), "run as root");
  }
  auto locked = lock(directory);
  if (!locked) {
    return pass(locked);
  }
  auto paths = list(directory);
  if (!paths) {
    return pass(paths);
  }
  for (const auto& path : *paths) {
    if (path.filename().string().starts_with(kStaging)) {
      spdlog::info("removing {}, left by a daemon that was killed", path.string());
      fs::remove_all(path, code);
    }
  }
  return PinStore(directory, std::move(*locked));
}

Result<std::vector<PinStore::Entry>> PinStore::entries(const std::string& after) const {
  auto paths = list(directory_);
  if (!paths) {
    return pass(paths);
  }
  std::vector<Entry> found;
  for (const auto& path : *paths) {
    if (path.filename().string() <= after) {
      continue;
    }
    if (auto entry = parse_entry(path)) {
      found.push_back(std::move(*entry));
    }
  }
  return found;
}

std::optional<PinStore::Entry> PinStore::at(const fs::path& path) {
  std::error_code code;
  return fs::is_directory(path, code) ? parse_entry(path) : std::nullopt;
}

std::optional<PinStore::Entry> PinStore::find(const std::string& name,
                                              std::uint64_t cgroup_id) const {
  if (!is_program_name(name)) {
    return std::nullopt;
  }
  return at(directory_ / fmt::format("{}@{}", name, cgroup_id));
}

void PinStore::mark_untold(const Entry& entry, const char* what) {
  std::error_code code;
  fs::create_directories(entry.untold(what), code);
  if (code) {
    spdlog::debug("{}: {}", entry.untold(what).string(), code.message());
  }
}

void PinStore::mark_told(const Entry& entry, const char* what) {
  std::error_code code;
  fs::remove(entry.untold(what), code);
}

bool PinStore::is_untold(const Entry& entry) {
  std::error_code code;
  return fs::exists(entry.untold(kUntoldParams), code) ||
         fs::exists(entry.untold(kUntoldAddresses), code);
}

Result<PinStore::Staged> PinStore::stage(const std::string& name, std::uint64_t cgroup_id,
                                         Origin origin) const {
  const auto path = directory_ / fmt::format("{}{:08x}", kStaging, std::random_device{}());
  std::error_code code;
  if (!fs::create_directories(path / "maps", code)) {
    return fail_errno(code ? code.value() : EEXIST, path.string());
  }
  Staged staged({name, cgroup_id, path}, directory_ / fmt::format("{}@{}", name, cgroup_id));
  if (origin == Origin::Policy && !fs::create_directory(staged.entry().policy(), code)) {
    return fail_errno(code ? code.value() : EEXIST, staged.entry().policy().string());
  }
  return staged;
}

Origin PinStore::origin(const Entry& entry) {
  std::error_code code;
  return fs::exists(entry.policy(), code) ? Origin::Policy : Origin::Hand;
}

Status PinStore::remove(const Entry& entry) {
  std::error_code code;
  fs::remove(entry.link(), code);
  if (!code) {
    fs::remove(entry.manager(), code);
  }
  if (!code) {
    fs::remove_all(entry.path, code);
  }
  if (code) {
    return fail_errno(code.value(), fmt::format("remove {}", entry.path.string()));
  }
  return {};
}

PinStore::Staged::Staged(Staged&& other) noexcept
    : entry_(std::move(other.entry_)), final_path_(std::move(other.final_path_)) {
  other.entry_.path.clear();
}

PinStore::Staged::~Staged() {
  if (entry_.path.empty()) {
    return;
  }
  if (const auto removed = remove(entry_); !removed) {
    spdlog::warn("{}", removed.error().line());
  }
}

Status PinStore::Staged::commit() {
  std::error_code code;
  fs::rename(entry_.path, final_path_, code);
  if (code) {
    return fail_errno(code.value(), fmt::format("rename to {}", final_path_.string()));
  }
  entry_.path.clear();
  return {};
}

}  // namespace tcpopt
