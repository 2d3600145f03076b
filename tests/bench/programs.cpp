// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <string>

namespace tcpopt::bench {

Result<Attached> Attached::attach(const std::filesystem::path& directory, const Program& program,
                                  const Cgroup& cgroup) {
  const auto file = directory / fmt::format("{}.bpf.o", program.object);
  Attached attached(ObjectHandle(bpf_object__open_file(file.c_str(), nullptr)));
  auto* const object = attached.object_.get();
  if (object == nullptr) {
    return fail_errno(errno, file.string(), "run make bench-options");
  }
  const std::string function(program.function);
  auto* const wanted = bpf_object__find_program_by_name(object, function.c_str());
  if (wanted == nullptr) {
    return fail(fmt::format("{} has no function {}", file.string(), function));
  }
  bpf_program* other = nullptr;
  while ((other = bpf_object__next_program(object, other)) != nullptr) {
    bpf_program__set_autoload(other, other == wanted);
  }
  if (const int err = bpf_object__load(object); err != 0) {
    return fail_errno(err, fmt::format("{}: load {}", file.string(), function));
  }
  attached.link_.reset(bpf_program__attach_cgroup(wanted, cgroup.fd()));
  if (!attached.link_) {
    return fail_errno(errno, fmt::format("attach {} to {}", function, cgroup.path().string()));
  }
  return attached;
}

Result<bench_counts> Attached::counts() const {
  const bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object_.get(), map)) != nullptr) {
    if (!std::string_view(bpf_map__name(map)).ends_with(".bss")) {
      continue;
    }
    bench_counts counts{};
    const std::uint32_t zero = 0;
    if (const int err =
            bpf_map__lookup_elem(map, &zero, sizeof(zero), &counts, sizeof(counts), 0)) {
      return fail_errno(err, "read a program's counts");
    }
    return counts;
  }
  return fail("the object has no counts");
}

Result<bool> kernel_has(std::string_view function) {
  static const BtfHandle kernel(btf__load_vmlinux_btf());
  if (!kernel) {
    return fail("the kernel has no BTF", "build it with CONFIG_DEBUG_INFO_BTF=y");
  }
  return btf__find_by_name_kind(kernel.get(), std::string(function).c_str(), BTF_KIND_FUNC) >= 0;
}

}  // namespace tcpopt::bench
