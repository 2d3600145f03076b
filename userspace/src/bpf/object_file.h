// SPDX-License-Identifier: GPL-2.0-or-later
// A BPF object file: what it says of itself, and loading it.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/handles.h"
#include "bpf/pinned.h"
#include "bpf/program_dirs.h"
#include "params/interface.h"

namespace tcpopt {

/// Read from the object file alone: needs no privilege and no kernel.
struct Description {
  std::string name;
  std::string help;
  /// Features (see features.h) without which it is not attached.
  std::vector<std::string> required;
  /// Features without which it is attached, but `set` cannot reach live connections.
  std::vector<std::string> required_by_iterator;
  bool has_iterator = false;
  Interface interface;
};

class Object {
 public:
  /// Errors: not a BPF object; not exactly one sock_ops program; a program of
  /// another type than sock_ops and iter/tcp; a `params` or `stats` map that is
  /// not as the contract has it.
  static Result<Object> open(const ProgramFile& file);

  [[nodiscard]] const Description& description() const { return description_; }

  /// The types of the file, with the tags that load() may have to leave out.
  [[nodiscard]] BtfBytes types() const;

  /// Loads maps and programs into the kernel; they go away with this object
  /// unless pinned or linked.
  /// @param with_iterator false leaves the iterator out
  /// Errors: what the verifier or the kernel said, in one line; the verifier's
  /// last lines are logged at debug level.
  Status load(bool with_iterator);

  // After load(); -1 for what the object does not have.
  [[nodiscard]] int program_fd() const;
  [[nodiscard]] int iterator_fd() const;

  struct NamedMap {
    std::string name;
    int fd;
  };
  /// The maps that the program declares, without libbpf's own (.rodata, .bss).
  [[nodiscard]] std::vector<NamedMap> maps() const;

 private:
  Object(ObjectHandle object, Description description)
      : object_(std::move(object)), description_(std::move(description)) {}

  Status find_programs();
  Status describe_programs();
  Status describe_maps();
  [[nodiscard]] Error load_error(int err) const;

  ObjectHandle object_;
  Description description_;
  bpf_program* program_ = nullptr;   // owned by object_
  bpf_program* iterator_ = nullptr;  // owned by object_
  std::vector<char> program_log_, iterator_log_;
};

}  // namespace tcpopt
