// SPDX-License-Identifier: GPL-2.0-or-later
#include "sessions/session_walk.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

#include "bpf/handles.h"

// In embedded.S
extern "C" const char tcpopt_sessions_object[];
extern "C" const char tcpopt_sessions_object_end[];

namespace tcpopt {

Result<SessionWalk> SessionWalk::load() {
  const auto size = static_cast<std::size_t>(tcpopt_sessions_object_end - tcpopt_sessions_object);
  const ObjectHandle object(
      bpf_object__open_mem(static_cast<const char*>(tcpopt_sessions_object), size, nullptr));
  if (!object) {
    return fail_errno(errno, "the program that reads sessions");
  }
  if (const int err = bpf_object__load(object.get()); err != 0) {
    return fail_errno(err, "load what reads sessions",
                      "it takes CONFIG_BPF_SYSCALL, CONFIG_DEBUG_INFO_BTF and Linux 5.9 or later");
  }
  // The link keeps the program.
  auto iterator =
      Iterator::create(bpf_program__fd(bpf_object__next_program(object.get(), nullptr)));
  return iterator ? Result<SessionWalk>(SessionWalk(std::move(*iterator))) : pass(iterator);
}

Status SessionWalk::run(std::vector<tcpopt_subflow_record>& into, std::size_t most) const {
  // A read may end within a record.
  std::vector<char> rest;
  return iterator_.run([&](std::span<const char> output) {
    rest.insert(rest.end(), output.begin(), output.end());
    std::size_t used = 0;
    for (; rest.size() - used >= sizeof(tcpopt_subflow_record);
         used += sizeof(tcpopt_subflow_record)) {
      if (into.size() < most) {
        std::memcpy(&into.emplace_back(), &rest[used], sizeof(tcpopt_subflow_record));
      }
    }
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(used));
  });
}

}  // namespace tcpopt
