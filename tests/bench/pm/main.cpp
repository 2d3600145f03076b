// SPDX-License-Identifier: GPL-2.0-or-later
// Opens MPTCP sessions and tells when a path manager joined them and what it
// cost. Runs on a CPU on which an instruction takes a nanosecond
// (scripts/vm --deterministic), in what tests/bench/pm/guest.py sets up.
//
// bench-pm OBJECTS SESSIONS ROUNDS: that many sessions at once, that many times.
// Prints one line a round: established,complete,busy,delay,delay,...
// with instructions, and with the nanoseconds from a session's establishment to
// its first MP_JOIN SYN, of the sessions that had one.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <string_view>
#include <thread>

#include "pm/busy.h"
#include "pm/crowd.h"
#include "pm/ends.h"
#include "pm/joins.h"

namespace tcpopt::bench {

namespace {

using std::chrono::milliseconds;

constexpr int kBacklog = 8192;
constexpr std::size_t kSubflows = 2;  // a complete session's
// All is over when nothing was joined for so many pauses: then nothing is under
// way but what is lost. They cost nothing, the guest's clock skips them.
constexpr int kQuietPauses = 3;
constexpr int kMostPauses = 200;

struct Task {
  std::string_view objects;
  std::size_t sessions = 0;
  std::size_t rounds = 0;

  /// A crowd takes longer.
  [[nodiscard]] milliseconds pause() const { return milliseconds(sessions == 1 ? 50 : 1000); }
};

Status wait_for_quiet(const Joins& joins, milliseconds pause) {
  std::uint64_t last = 0;
  for (int pauses = 0, quiet = 0; quiet < kQuietPauses && pauses < kMostPauses; pauses++) {
    std::this_thread::sleep_for(pause);
    auto count = joins.count();
    if (!count) {
      return pass(count);
    }
    quiet = *count == last ? quiet + 1 : 0;
    last = *count;
  }
  return {};
}

Status run_round(const Task& task, const End& client, const UniqueFd& listener, Joins& joins) {
  auto crowd = Crowd::make(client, listener, task.sessions);
  if (!crowd) {
    return pass(crowd);
  }
  auto busy = BusyTime::start();
  if (!busy) {
    return pass(busy);
  }
  if (auto opened = crowd->open(); !opened) {
    return opened;
  }
  if (auto quiet = wait_for_quiet(joins, task.pause()); !quiet) {
    return quiet;
  }
  auto spent = busy->stop();
  if (!spent) {
    return pass(spent);
  }
  auto complete = crowd->with_subflows(kSubflows);
  if (!complete) {
    return pass(complete);
  }
  auto sessions = joins.take();
  if (!sessions) {
    return pass(sessions);
  }
  fmt::print("{},{},{}", sessions->size(), *complete, *spent);
  for (const auto& session : *sessions) {
    if (session.first_syn != 0) {
      fmt::print(",{}", session.first_syn - session.established);
    }
  }
  fmt::print("\n");
  return {};
}

Status run(const Task& task) {
  // A page that is read from a file while it is measured looks like waiting.
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    return fail_errno(errno, "mlockall");
  }
  const rlimit files{4 * task.sessions + 100, 4 * task.sessions + 100};
  setrlimit(RLIMIT_NOFILE, &files);
  auto client = End::open("client");
  if (!client) {
    return pass(client);
  }
  auto server = End::open("server");
  if (!server) {
    return pass(server);
  }
  auto listener = listen_at(*server, kBacklog);
  if (!listener) {
    return pass(listener);
  }
  auto joins = Joins::watch(task.objects);
  if (!joins) {
    return pass(joins);
  }
  for (std::size_t round = 0; round < task.rounds; round++) {
    if (auto done = run_round(task, *client, *listener, *joins); !done) {
      return done;
    }
    std::this_thread::sleep_for(task.pause());  // until all is closed
  }
  return {};
}

bool parse(std::string_view text, std::size_t& number) {
  const auto* const end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end && number > 0;
}

}  // namespace

}  // namespace tcpopt::bench

int main(int argc, char** argv) {
  tcpopt::bench::Task task;
  if (argc != 4 || !tcpopt::bench::parse(argv[2], task.sessions) ||
      !tcpopt::bench::parse(argv[3], task.rounds)) {
    fmt::print(stderr, "usage: bench-pm OBJECTS SESSIONS ROUNDS\n");
    return 2;
  }
  task.objects = argv[1];
  if (auto done = tcpopt::bench::run(task); !done) {
    fmt::print(stderr, "bench-pm: {}\n", done.error().line());
    return 1;
  }
  return 0;
}
