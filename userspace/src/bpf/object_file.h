// SPDX-License-Identifier: GPL-2.0-or-later
// A BPF object file in the hands of libbpf, which a broken one can end by SIGSEGV:
// only for the process that object.h has for that.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "bpf/handles.h"
#include "bpf/path_manager.h"
#include "bpf/pinned.h"
#include "bpf/program_dirs.h"

namespace tcpopt {

/// What an object says of itself beside its types.
struct Words {
  std::string help;
  std::vector<std::string> required;
  std::vector<std::string> required_by_iterator;
  bool has_iterator = false;

  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Words, help, required, required_by_iterator, has_iterator)
};

class ObjectFile {
 public:
  /// Errors: see Object::open(). What is wrong with its maps, the types say.
  static Result<ObjectFile> open(const ProgramFile& file);

  [[nodiscard]] const Words& words() const { return words_; }

  /// The types of the file, with the tags that load() may have to leave out.
  [[nodiscard]] BtfBytes types() const;

  /// See Object::load().
  Status load(bool with_iterator, const std::string& manager_name);

  // After load(); -1 for what the object does not have.
  [[nodiscard]] int program_fd() const;
  [[nodiscard]] int iterator_fd() const;
  [[nodiscard]] int operations_fd() const;

  struct NamedMap {
    std::string name;
    int fd;
  };
  [[nodiscard]] std::vector<NamedMap> maps() const;

 private:
  explicit ObjectFile(ObjectHandle object) : object_(std::move(object)) {}

  Status check_own_types();
  Status find_programs();
  Status describe_programs();
  Status forget_pin_paths();
  [[nodiscard]] Error load_error(int err) const;

  ObjectHandle object_;
  Words words_;
  bpf_program* program_ = nullptr;   // owned by object_
  bpf_program* iterator_ = nullptr;  // owned by object_
  std::optional<OperationsMap> operations_;
  // A verifier's log each, with the function that it is of.
  std::vector<std::pair<bpf_program*, std::vector<char>>> logs_;
};

}  // namespace tcpopt
