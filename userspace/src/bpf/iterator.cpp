// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/iterator.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tcpopt {

Result<Iterator> Iterator::create(int program_fd) {
  UniqueFd link(bpf_link_create(program_fd, 0, BPF_TRACE_ITER, nullptr));
  if (!link) {
    return fail_errno(errno, "iterator link");
  }
  return Iterator(std::move(link));
}

Status Iterator::run(const std::function<void(std::span<const char>)>& take) const {
  // The kernel takes the namespace from the thread that creates the instance.
  const UniqueFd instance(bpf_iter_create(link_.get()));
  if (!instance) {
    return fail_errno(errno, "iterator");
  }
  std::array<char, 16384> output{};
  for (;;) {
    const auto count = ::read(instance.get(), output.data(), output.size());
    if (count == 0) {
      return {};
    }
    // EAGAIN: the kernel pauses after very many sockets without output.
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return fail_errno(errno, "iterator");
    }
    if (count > 0) {
      take(std::span(output).first(static_cast<std::size_t>(count)));
    }
  }
}

}  // namespace tcpopt
