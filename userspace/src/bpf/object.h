// SPDX-License-Identifier: GPL-2.0-or-later
// A BPF object file: what it says of itself, and loading it. libbpf reads it in a
// process of its own, as a broken file can end that by SIGSEGV.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/object_file.h"
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
  /// Errors: not a BPF object; one that is damaged so that libbpf crashes; not
  /// exactly one sock_ops program; a program of another type than sock_ops, iter/tcp
  /// and struct_ops; a `params` or `stats` map that is not as the contract has it.
  static Result<Object> open(const ProgramFile& file);

  [[nodiscard]] const Description& description() const { return description_; }

  /// The types of the file, with the tags that load() may have to leave out.
  [[nodiscard]] const BtfBytes& types() const { return types_; }

  /// Loads maps and programs into the kernel; they go away with this object
  /// unless pinned or linked.
  /// @param with_iterator false leaves the iterator out
  /// @param manager_name of its path manager, if it has one of struct_ops
  /// Errors: what the verifier or the kernel said, in one line; the verifier's
  /// last lines are logged at debug level.
  Status load(bool with_iterator, const std::string& manager_name = {});

  // After load(); -1 for what the object does not have.
  [[nodiscard]] int program_fd() const { return program_.get(); }
  [[nodiscard]] int iterator_fd() const { return iterator_.get(); }
  /// For register_manager().
  [[nodiscard]] int operations_fd() const { return operations_.get(); }

  struct NamedMap {
    std::string name;
    UniqueFd fd;
  };
  /// The maps that the program declares, without libbpf's own (.rodata, .bss).
  [[nodiscard]] const std::vector<NamedMap>& maps() const { return maps_; }

 private:
  /// The process that has the file open; ended with this.
  class Reader {
   public:
    Reader(pid_t pid, UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}
    Reader(Reader&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), socket_(std::move(other.socket_)) {}
    Reader& operator=(Reader&& other) = delete;
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { end(); }

    [[nodiscard]] int socket() const { return socket_.get(); }
    /// Kills it. Returns what it ended with, as waitpid(2) says.
    int end();

   private:
    pid_t pid_;
    UniqueFd socket_;
  };

  Object(ProgramFile file, Reader reader) : file_(std::move(file)), reader_(std::move(reader)) {}

  Status describe();
  /// The next answer of the reader, and the descriptor that came with it.
  Result<nlohmann::json> answer(UniqueFd* passed = nullptr);

  ProgramFile file_;
  Reader reader_;
  Description description_;
  BtfBytes types_;
  UniqueFd program_, iterator_, operations_;
  std::vector<NamedMap> maps_;
};

}  // namespace tcpopt
