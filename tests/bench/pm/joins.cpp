// SPDX-License-Identifier: GPL-2.0-or-later
#include "pm/joins.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <string_view>

namespace tcpopt::bench {

Result<Joins> Joins::watch(const std::filesystem::path& directory) {
  const auto file = directory / "joins.bpf.o";
  Joins joins(ObjectHandle(bpf_object__open_file(file.c_str(), nullptr)));
  auto* const object = joins.object_.get();
  if (object == nullptr) {
    return fail_errno(errno, file.string(), "run make bench-pm");
  }
  if (const int err = bpf_object__load(object); err != 0) {
    return fail_errno(err, file.string() + ": load");
  }
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    joins.links_.emplace_back(bpf_program__attach(program));
    if (!joins.links_.back()) {
      return fail_errno(errno, std::string("attach ") + bpf_program__name(program));
    }
  }
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object, map)) != nullptr) {
    const std::string_view name(bpf_map__name(map));
    if (name == "sessions") {
      joins.sessions_ = bpf_map__fd(map);
    } else if (name.ends_with(".bss")) {
      joins.counts_ = bpf_map__fd(map);
    }
  }
  return joins;
}

Result<std::uint64_t> Joins::count() const {
  const std::uint32_t zero = 0;
  std::uint64_t count = 0;
  if (bpf_map_lookup_elem(counts_, &zero, &count) != 0) {
    return fail_errno(errno, "read the count of joins");
  }
  return count;
}

Result<std::vector<bench_session>> Joins::take() const {
  std::vector<bench_session> sessions;
  std::uint32_t token = 0;
  while (bpf_map_get_next_key(sessions_, nullptr, &token) == 0) {
    bench_session session{};
    if (bpf_map_lookup_and_delete_elem(sessions_, &token, &session) != 0) {
      return fail_errno(errno, "take a session's times");
    }
    sessions.push_back(session);
  }
  return sessions;
}

}  // namespace tcpopt::bench
