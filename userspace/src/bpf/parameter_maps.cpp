// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/parameter_maps.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace tcpopt {

namespace {

Result<Entries> read_entries(int fd, const EntrySize& size) {
  Entries entries;
  Bytes key(size.key);
  Bytes value(size.value);
  const std::byte* after = nullptr;
  while (bpf_map_get_next_key(fd, after, key.data()) == 0) {
    if (const int err = bpf_map_lookup_elem(fd, key.data(), value.data()); err != 0) {
      return fail_errno(err, "read");
    }
    const auto [entry, is_new] = entries.emplace(key, value);
    if (!is_new) {
      // Nobody but the daemon writes it; without this, the walk might not end.
      return fail("it changes while it is read", "see with bpftool map who else has it open");
    }
    after = entry->first.data();
  }
  if (errno != ENOENT) {
    return fail_errno(errno, "read");
  }
  return entries;
}

/// Makes @p wanted of @p old. What is new comes before anything goes, unless the
/// map has no room for both.
Status replace_entries(int fd, const Entries& old, const Entries& wanted) {
  std::vector<const Bytes*> unwanted;
  for (const auto& [key, value] : old) {
    if (!wanted.contains(key)) {
      unwanted.push_back(&key);
    }
  }
  const auto drop_one = [&] {
    bpf_map_delete_elem(fd, unwanted.back()->data());
    unwanted.pop_back();
  };
  for (const auto& [key, value] : wanted) {
    const auto there = old.find(key);
    if (there != old.end() && there->second == value) {
      continue;
    }
    while (bpf_map_update_elem(fd, key.data(), value.data(), BPF_ANY) != 0) {
      // ENOSPC is what an LPM trie says when it is full, E2BIG what a hash does.
      if ((errno != ENOSPC && errno != E2BIG) || unwanted.empty()) {
        return fail_errno(errno, "write");
      }
      drop_one();
    }
  }
  while (!unwanted.empty()) {
    drop_one();
  }
  return {};
}

}  // namespace

Result<ParameterMaps> ParameterMaps::open(
    const Schema& schema, const std::function<Result<UniqueFd>(const std::string&)>& find) {
  ParameterMaps maps;
  maps.scalars_size_ = schema.size;
  if (schema.size != 0) {
    auto fd = find("params");
    if (!fd) {
      return pass(fd);
    }
    maps.scalars_ = std::move(*fd);
  }
  for (const auto& param : schema.maps) {
    auto fd = find(param.map);
    if (!fd) {
      return pass(fd);
    }
    maps.lists_.emplace(param.map, List{std::move(*fd), list_kind(param.kind).size});
  }
  return maps;
}

Result<Values> ParameterMaps::read() const {
  Values values{Bytes(scalars_size_), {}};
  const __u32 key = 0;
  if (scalars_) {
    if (const int err = bpf_map_lookup_elem(scalars_.get(), &key, values.scalars.data());
        err != 0) {
      return fail_errno(err, "read params");
    }
  }
  for (const auto& [name, list] : lists_) {
    auto entries = read_entries(list.fd.get(), list.size);
    if (!entries) {
      return pass(entries, name);
    }
    values.lists.emplace(name, std::move(*entries));
  }
  return values;
}

Status ParameterMaps::write_parts(const Values& wanted) const {
  auto old = read();
  if (!old) {
    return pass(old);
  }
  for (const auto& [name, list] : lists_) {
    if (auto done = replace_entries(list.fd.get(), old->lists.at(name), wanted.lists.at(name));
        !done) {
      return pass(done, name);
    }
  }
  const __u32 key = 0;
  if (scalars_) {
    // One update of the one element; the kernel copies it word by word.
    if (const int err = bpf_map_update_elem(scalars_.get(), &key, wanted.scalars.data(), BPF_ANY);
        err != 0) {
      return fail_errno(err, "write params");
    }
  }
  return {};
}

Status ParameterMaps::write(const Values& wanted) const {
  auto old = read();
  if (!old) {
    return pass(old);
  }
  auto done = write_parts(wanted);
  if (!done) {
    if (auto restored = write_parts(*old); !restored) {
      spdlog::error("the old values could not be written back: {}", restored.error().line());
    }
  }
  return done;
}

}  // namespace tcpopt
