// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/object_reader.h"

#include <linux/close_range.h>
#include <nlohmann/json.hpp>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): prctl(2) takes its numbers
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/object_file.h"
#include "ipc/message.h"
#include "ipc/seqpacket.h"

namespace tcpopt {

namespace {

Status say(int socket, const nlohmann::json& message, int passed = -1) {
  return send_message(socket, to_text(message), passed);
}

Status say_error(int socket, const Error& error) {
  return say(socket, {{"error", {{"cause", error.cause}, {"cure", error.cure}}}});
}

/// A file of @p bytes. They may be more than a message holds.
Result<UniqueFd> file_of(const BtfBytes& bytes) {
  UniqueFd file(memfd_create("types", MFD_CLOEXEC));
  if (!file) {
    return fail_errno(errno, "memfd");
  }
  for (std::size_t done = 0; done < bytes.size();) {
    const auto written = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (written < 0) {
      return fail_errno(errno, "memfd");
    }
    done += static_cast<std::size_t>(written);
  }
  return file;
}

Status show(const ObjectFile& object, int socket) {
  const auto types = file_of(object.types());
  return types ? say(socket, {{"words", object.words()}}, types->get())
               : say_error(socket, types.error());
}

Status load(ObjectFile& object, const nlohmann::json& how, int socket) {
  if (auto loaded = object.load(how.at("iterator"), how.at("manager")); !loaded) {
    return say_error(socket, loaded.error());
  }
  auto said = say(socket, {{"program", true}}, object.program_fd());
  if (said && object.iterator_fd() >= 0) {
    said = say(socket, {{"iterator", true}}, object.iterator_fd());
  }
  if (said && object.operations_fd() >= 0) {
    said = say(socket, {{"operations", true}}, object.operations_fd());
  }
  for (const auto& map : object.maps()) {
    if (said) {
      said = say(socket, {{"map", map.name}}, map.fd);
    }
  }
  return said ? say(socket, {{"done", true}}) : std::move(said);
}

/// It has nothing but the file and the socket, and ends with the daemon.
void shed(int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (socket > STDERR_FILENO + 1) {
    syscall(SYS_close_range, STDERR_FILENO + 1, static_cast<unsigned>(socket) - 1, 0);
  }
  syscall(SYS_close_range, static_cast<unsigned>(socket) + 1, ~0U, 0);
}

void serve(const ProgramFile& file, int socket) {
  auto object = ObjectFile::open(file);
  if (!object) {
    std::ignore = say_error(socket, object.error());
    return;
  }
  if (!show(*object, socket)) {
    return;
  }
  if (const auto asked = receive_message(socket)) {
    std::ignore = load(*object, nlohmann::json::parse(asked->text), socket);
  }
}

}  // namespace

void read_object(const ProgramFile& file, int socket) {
  shed(socket);
  try {
    serve(file, socket);
  } catch (const std::exception& error) {
    std::ignore = say_error(socket, Error{error.what(), {}});
  }
  // Not exit(): what others registered is the other process' to do.
  _exit(0);
}

}  // namespace tcpopt
