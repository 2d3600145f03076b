// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/object.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "bpf/btf_check.h"
#include "bpf/object_reader.h"
#include "ipc/message.h"
#include "ipc/seqpacket.h"

namespace tcpopt {

namespace {

// Loading a program into an emulated kernel takes seconds.
constexpr timeval kPatience{.tv_sec = 120, .tv_usec = 0};

Result<BtfBytes> content_of(const UniqueFd& file) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) {
    return fail_errno(errno, "types");
  }
  BtfBytes bytes(static_cast<std::size_t>(status.st_size));
  if (pread(file.get(), bytes.data(), bytes.size(), 0) != status.st_size) {
    return fail("types: they are cut off");
  }
  return bytes;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    const char* const name = sigdescr_np(WTERMSIG(status));
    return fmt::format("libbpf crashes on it ({})", name != nullptr ? name : "unknown signal");
  }
  return fmt::format("libbpf fails on it (status {})",
                     WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

}  // namespace

int Object::Reader::end() {
  int status = 0;
  if (pid_ > 0) {
    socket_.reset();
    // One that has crashed keeps the status that it has.
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  return status;
}

Result<Object> Object::open(const ProgramFile& file) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(errno, "socket");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno(errno, "a process to read the object file");
  }
  if (pid == 0) {
    read_object(file, theirs.get());
  }
  Object object(file, Reader(pid, std::move(ours)));
  theirs.reset();  // or nobody would hear that it has ended
  if (setsockopt(object.reader_.socket(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) !=
      0) {
    return fail_errno(errno, "socket");
  }
  if (auto described = object.describe(); !described) {
    return pass(described);
  }
  return object;
}

Result<nlohmann::json> Object::answer(UniqueFd* passed) {
  auto message = receive_message(reader_.socket());
  if (!message) {
    // Waits for it: hung up or stuck, it answers no more.
    const bool stuck = message.error().cause == "no answer in time";
    const int status = reader_.end();
    return fail(fmt::format("{}: {}", file_.path.string(),
                            stuck ? "libbpf does not come back from it" : how_it_ended(status)),
                "the file is damaged: compile it again");
  }
  try {
    auto said = nlohmann::json::parse(message->text);
    if (said.contains("error")) {
      const auto& error = said["error"];
      return fail(error.at("cause").get<std::string>(), error.at("cure").get<std::string>());
    }
    if (passed != nullptr) {
      *passed = std::move(message->passed);
    }
    return said;
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("{}: {}", file_.path.string(), error.what()));
  }
}

Status Object::describe() {
  UniqueFd file;
  auto said = answer(&file);
  if (!said) {
    return pass(said);
  }
  auto words = said->value("words", Words{});
  description_ = {.name = file_.name,
                  .help = std::move(words.help),
                  .required = std::move(words.required),
                  .required_by_iterator = std::move(words.required_by_iterator),
                  .has_iterator = words.has_iterator,
                  .interface = {}};
  auto content = content_of(file);
  if (!content) {
    return pass(content, file_.path.string());
  }
  types_ = std::move(*content);
  auto interface =
      parse_types(types_).and_then([](const BtfHandle& types) { return read_interface(*types); });
  if (!interface) {
    return pass(interface, file_.path.string());
  }
  description_.interface = std::move(*interface);
  return {};
}

Status Object::load(bool with_iterator, const std::string& manager_name) {
  const nlohmann::json how{{"iterator", with_iterator}, {"manager", manager_name}};
  if (auto asked = send_message(reader_.socket(), to_text(how)); !asked) {
    return asked;
  }
  for (;;) {
    UniqueFd passed;
    auto said = answer(&passed);
    if (!said) {
      return pass(said);
    }
    if (said->contains("done")) {
      return {};
    }
    if (!passed) {
      return fail("load: a descriptor was lost");
    }
    if (said->contains("program")) {
      program_ = std::move(passed);
    } else if (said->contains("iterator")) {
      iterator_ = std::move(passed);
    } else if (said->contains("operations")) {
      operations_ = std::move(passed);
    } else {
      maps_.push_back({said->value("map", ""), std::move(passed)});
    }
  }
}

}  // namespace tcpopt
