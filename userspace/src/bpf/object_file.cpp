// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/object_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "bpf/btf_check.h"
#include "bpf/libbpf_words.h"
#include "bpf/verifier_log.h"
#include "params/decl_tags.h"

namespace tcpopt {

namespace {

constexpr std::size_t kLogSize = 256UL * 1024;
constexpr std::string_view kIteratorSection = "iter/tcp";

/// Tags on the function of @p program; none if the object has no BTF.
Result<Tags> function_tags(const bpf_object& object, const bpf_program& program,
                           const std::vector<std::string_view>& known) {
  const auto* types = bpf_object__btf(&object);
  if (types == nullptr) {
    return Tags{};
  }
  const auto id = btf__find_by_name_kind(types, bpf_program__name(&program), BTF_KIND_FUNC);
  if (id < 0) {
    return Tags{};
  }
  auto tags = read_tags(*types, static_cast<std::uint32_t>(id));
  if (!tags) {
    return pass(tags);
  }
  auto own = (*tags)[kWholeType];
  if (auto checked = check_tag_keys(own, known); !checked) {
    return pass(checked);
  }
  return own;
}

}  // namespace

Result<ObjectFile> ObjectFile::open(const ProgramFile& file) {
  collect_libbpf_warnings();
  ObjectHandle handle(bpf_object__open_file(file.path.c_str(), nullptr));
  if (!handle) {
    const int err = errno;
    auto known = cause_in(libbpf_warnings());
    return known ? fail(fmt::format("{}: {}", file.path.string(), known->cause), known->cure)
                 : fail_errno(err, file.path.string(), "is it a BPF object file made by clang?");
  }
  ObjectFile object(std::move(handle));
  for (const auto step : {&ObjectFile::check_own_types, &ObjectFile::find_programs,
                          &ObjectFile::describe_programs, &ObjectFile::forget_pin_paths}) {
    if (auto done = (object.*step)(); !done) {
      return pass(done, file.path.string());
    }
  }
  return object;
}

Status ObjectFile::check_own_types() {
  if (bpf_object__btf(object_.get()) == nullptr) {
    return fail("it has no types (BTF)", "compile it with clang -g");
  }
  return check_types(types());
}

Status ObjectFile::find_programs() {
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object_.get(), program)) != nullptr) {
    if (bpf_program__type(program) == BPF_PROG_TYPE_STRUCT_OPS) {
      continue;
    }
    const std::string_view section = bpf_program__section_name(program);
    auto* const slot = bpf_program__type(program) == BPF_PROG_TYPE_SOCK_OPS ? &program_
                       : section == kIteratorSection                        ? &iterator_
                                                                            : nullptr;
    if (slot == nullptr) {
      return fail(fmt::format("function {} in section '{}' cannot be attached",
                              bpf_program__name(program), section),
                  R"(use SEC("sockops") once and at most one SEC("iter/tcp"))");
    }
    if (*slot != nullptr) {
      return fail(fmt::format("functions {} and {} share section '{}'", bpf_program__name(*slot),
                              bpf_program__name(program), section),
                  "make them one");
    }
    *slot = program;
  }
  auto operations = OperationsMap::in(*object_);
  if (!operations) {
    return pass(operations);
  }
  operations_ = std::move(*operations);
  return program_ != nullptr ? Status() : fail("it has no function in SEC(\"sockops\")");
}

Status ObjectFile::describe_programs() {
  auto tags = function_tags(*object_, *program_, {"help", "requires"});
  if (!tags) {
    return pass(tags, bpf_program__name(program_));
  }
  auto help = single_tag(*tags, "help");
  if (!help) {
    return pass(help, bpf_program__name(program_));
  }
  words_.help = *help != nullptr ? **help : "";
  words_.required = {"sockops", "cgroup-link"};
  const auto append = [](const std::vector<std::string>& from, std::vector<std::string>& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append((*tags)["requires"], words_.required);
  if (iterator_ == nullptr) {
    return {};
  }
  auto iterator_tags = function_tags(*object_, *iterator_, {"requires"});
  if (!iterator_tags) {
    return pass(iterator_tags, bpf_program__name(iterator_));
  }
  words_.has_iterator = true;
  words_.required_by_iterator = {"tcp-iter"};
  append((*iterator_tags)["requires"], words_.required_by_iterator);
  return {};
}

Status ObjectFile::forget_pin_paths() {
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object_.get(), map)) != nullptr) {
    // LIBBPF_PIN_BY_NAME would share a map between attachments and leave it
    // behind; every attachment has maps of its own.
    bpf_map__set_pin_path(map, nullptr);
  }
  return {};
}

Status ObjectFile::load(bool with_iterator, const std::string& manager_name) {
  if (operations_) {
    if (auto prepared = operations_->prepare(manager_name); !prepared) {
      return pass(prepared, "load");
    }
  }
  if (iterator_ != nullptr) {
    bpf_program__set_autoload(iterator_, with_iterator);
  }
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object_.get(), program)) != nullptr) {
    auto& log = logs_.emplace_back(program, std::vector<char>(kLogSize)).second;
    bpf_program__set_log_buf(program, log.data(), log.size());
  }
  if (const int err = bpf_object__load(object_.get()); err != 0) {
    return tl::make_unexpected(load_error(err));
  }
  if (!with_iterator) {
    iterator_ = nullptr;
  }
  return operations_ ? operations_->fill(manager_name) : Status();
}

Error ObjectFile::load_error(int err) const {
  // They are loaded one after the other, so the last log is of the failure.
  const auto failed = std::find_if(logs_.rbegin(), logs_.rend(),
                                   [](const auto& log) { return log.second.front() != '\0'; });
  const VerifierLog log(failed != logs_.rend() ? failed->second.data() : "");
  for (const auto& line : log.last_lines()) {
    spdlog::debug("verifier: {}", line);
  }
  if (auto known = cause_in(libbpf_warnings())) {
    return std::move(*known).in("load");
  }
  const std::string_view function =
      bpf_program__name(failed != logs_.rend() ? failed->first : program_);
  if (std::abs(err) == EPERM) {
    return {fmt::format("load: {}", errno_text(err)),
            "run tcpopt-loader as root, outside of a container that takes CAP_BPF away"};
  }
  if (const auto verdict = log.verdict(); !verdict.empty()) {
    return {fmt::format("load: the kernel refuses function {}: {}", function, verdict),
            "see what this kernel lacks with tcpoptctl check, and the verifier's words with "
            "tcpopt-loader --log-level debug"};
  }
  return {fmt::format("load: {}", errno_text(err)),
          "see what this kernel lacks with tcpoptctl check"};
}

int ObjectFile::program_fd() const { return bpf_program__fd(program_); }

int ObjectFile::iterator_fd() const {
  return iterator_ != nullptr ? bpf_program__fd(iterator_) : -1;
}

int ObjectFile::operations_fd() const { return operations_ ? operations_->fd() : -1; }

BtfBytes ObjectFile::types() const {
  __u32 size = 0;
  const auto* types = bpf_object__btf(object_.get());
  const auto* first =
      types == nullptr ? nullptr : static_cast<const std::byte*>(btf__raw_data(types, &size));
  return first == nullptr ? BtfBytes() : BtfBytes(first, first + size);
}

std::vector<ObjectFile::NamedMap> ObjectFile::maps() const {
  std::vector<NamedMap> found;
  const bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(object_.get(), map)) != nullptr) {
    if (!bpf_map__is_internal(map) && bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS) {
      found.push_back({bpf_map__name(map), bpf_map__fd(map)});
    }
  }
  return found;
}

}  // namespace tcpopt
