// SPDX-License-Identifier: GPL-2.0-or-later
// Measures what a TCP option costs, in instructions per segment. Runs on a CPU
// on which an instruction takes a nanosecond (scripts/vm --deterministic).
//
// Given the directory of the BPF objects, and names of cases if not all. Prints
// one line a case: name,lowest,median or name,missing,FUNCTION.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "cases.h"
#include "connection.h"
#include "programs.h"
#include "wire.h"

namespace tcpopt::bench {

namespace {

// A round is shorter than the 4 ms between two ticks of the timer, so that most
// see none. Warming up brings the congestion window and the buffers to rest.
constexpr int kWarmUp = 200;  // bursts
constexpr int kRounds = 101;
constexpr int kRoundBursts = 10;

struct Figures {
  double lowest, median;
};

/// A cgroup that goes away with this object.
class OwnCgroup {
 public:
  static Result<OwnCgroup> make(const char* name) {
    const auto mount = cgroup2_mount();
    if (!mount) {
      return fail("cgroup v2 is not mounted");
    }
    const auto path = *mount / name;
    std::error_code code;
    std::filesystem::create_directory(path, code);
    auto cgroup = Cgroup::open(path);
    if (!cgroup) {
      return pass(cgroup);
    }
    return OwnCgroup(std::move(*cgroup));
  }
  [[nodiscard]] const Cgroup& get() const { return cgroup_; }

 private:
  explicit OwnCgroup(Cgroup cgroup) : cgroup_(std::move(cgroup)) {}

  Cgroup cgroup_;
};

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Status run_bursts(Connection& connection, int count) {
  for (int burst = 0; burst < count; burst++) {
    if (auto sent = connection.burst(); !sent) {
      return sent;
    }
  }
  return {};
}

/// What the option takes of a header at most, which is counted in words.
int room_of(Option option) {
  const int length = option == Option::None    ? 0
                     : option == Option::First ? BENCH_REQUEST_LENGTH
                                               : BENCH_LENGTH;
  return (length + 3) / 4 * 4;
}

Status check_wire(Connection& connection, Option option) {
  auto wire = Wire::open();
  if (!wire) {
    return pass(wire);
  }
  if (auto sent = connection.burst(); !sent) {
    return sent;
  }
  return wire->check_burst(connection.receiver_port(), option);
}

Result<Figures> time_rounds(Connection& connection) {
  std::vector<std::int64_t> rounds(kRounds);
  for (auto& round : rounds) {
    const auto start = now();
    if (auto sent = run_bursts(connection, kRoundBursts); !sent) {
      return pass(sent);
    }
    round = now() - start;
  }
  std::sort(rounds.begin(), rounds.end());
  constexpr double kSegments = kRoundBursts * kBurst;
  return Figures{static_cast<double>(rounds.front()) / kSegments,
                 static_cast<double>(rounds[kRounds / 2]) / kSegments};
}

/// A case at a point of time: to be compared with a later one.
struct Snapshot {
  std::uint64_t sent = 0;  ///< data segments
  bench_counts sender{}, receiver{};
};

Result<bench_counts> counts_of(const std::optional<Attached>& program) {
  return program ? program->counts() : bench_counts{};
}

Result<Snapshot> take_snapshot(const Connection& connection, const std::optional<Attached>& sender,
                               const std::optional<Attached>& receiver) {
  auto sent = connection.segments_sent();
  auto of_sender = counts_of(sender);
  auto of_receiver = counts_of(receiver);
  if (!sent) {
    return pass(sent);
  }
  if (!of_sender || !of_receiver) {
    return pass(of_sender ? of_receiver : of_sender);
  }
  return Snapshot{*sent, *of_sender, *of_receiver};
}

/// Each burst was cut into the segments that it is meant to be, no call of a
/// program's failed, the sender's gave the option of each burst that is to have
/// one of its own, and the receiver's saw the option as often as it should.
Status check_rounds(const Snapshot& before, const Snapshot& after, const Case& which) {
  constexpr std::uint64_t kSent = std::uint64_t{kRounds} * kRoundBursts * kBurst;
  const auto sent = after.sent - before.sent;
  if (sent != kSent) {
    return fail(fmt::format("{} segments were sent, not {}", sent, kSent));
  }
  const auto seen = after.receiver.parsed - before.receiver.parsed;
  const auto wanted = which.parsed == Parsed::EverySegment ? kSent : 0;
  if (seen != wanted) {
    return fail(fmt::format("the receiver's program saw {} options, not {}", seen, wanted));
  }
  const auto requests = after.sender.requests - before.sender.requests;
  const auto bursts = which.option == Option::First ? kSent / kBurst : 0;
  if (requests != bursts) {
    return fail(fmt::format("the option was given for {} requests, not {}", requests, bursts));
  }
  if (const auto failed = after.sender.failed + after.receiver.failed; failed != 0) {
    return fail(fmt::format("the programs counted {} failures", failed));
  }
  return {};
}

class Bench {
 public:
  Bench(std::filesystem::path programs, const Cgroup& sender, const Cgroup& receiver)
      : programs_(std::move(programs)), sender_(sender), receiver_(receiver) {}

  [[nodiscard]] Result<Figures> run(const Case& which) const {
    auto sender = attach(which.sender, sender_);
    if (!sender) {
      return pass(sender);
    }
    auto receiver = attach(which.receiver, receiver_);
    if (!receiver) {
      return pass(receiver);
    }
    auto connection = Connection::open(sender_, receiver_, room_of(which.option));
    if (!connection) {
      return pass(connection);
    }
    if (auto warm = run_bursts(*connection, kWarmUp); !warm) {
      return pass(warm);
    }
    if (auto seen = check_wire(*connection, which.option); !seen) {
      return pass(seen, "before the timed rounds");
    }
    auto before = take_snapshot(*connection, *sender, *receiver);
    if (!before) {
      return pass(before);
    }
    auto figures = time_rounds(*connection);
    if (!figures) {
      return figures;
    }
    auto after = take_snapshot(*connection, *sender, *receiver);
    if (!after) {
      return pass(after);
    }
    if (auto checked = check_rounds(*before, *after, which); !checked) {
      return pass(checked);
    }
    if (auto seen = check_wire(*connection, which.option); !seen) {
      return pass(seen, "after the timed rounds");
    }
    return figures;
  }

 private:
  [[nodiscard]] Result<std::optional<Attached>> attach(const Program& program,
                                                       const Cgroup& cgroup) const {
    if (program.none()) {
      return std::optional<Attached>();
    }
    auto attached = Attached::attach(programs_, program, cgroup);
    if (!attached) {
      return pass(attached);
    }
    return std::optional<Attached>(std::move(*attached));
  }

  std::filesystem::path programs_;
  const Cgroup& sender_;
  const Cgroup& receiver_;
};

/// The function that the kernel lacks for a case, or "".
Result<std::string_view> missing_function(const Case& which) {
  for (const auto& program : {which.sender, which.receiver}) {
    const auto function = needed_function(program);
    if (function.empty()) {
      continue;
    }
    auto there = kernel_has(function);
    if (!there) {
      return pass(there);
    }
    if (!*there) {
      return function;
    }
  }
  return std::string_view();
}

/// All cases, or those that are named, as often and in the order as they are.
Result<std::vector<Case>> cases_named(std::span<char* const> names) {
  const auto all = all_cases();
  std::vector<Case> cases;
  for (const std::string_view name : names) {
    const auto* const found = std::find_if(all.data(), all.data() + all.size(),
                                           [name](const Case& each) { return each.name == name; });
    if (found == all.data() + all.size()) {
      return fail(fmt::format("there is no case '{}'", name), "see tests/bench/cases.cpp");
    }
    cases.push_back(*found);
  }
  return cases.empty() ? std::vector<Case>(all.begin(), all.end()) : cases;
}

Status run_all(const std::filesystem::path& programs, std::span<const Case> cases) {
  auto sender = OwnCgroup::make("bench-sender");
  auto receiver = OwnCgroup::make("bench-receiver");
  if (!sender || !receiver) {
    return pass(sender ? receiver : sender);
  }
  const Bench bench(programs, sender->get(), receiver->get());
  for (const auto& which : cases) {
    auto missing = missing_function(which);
    if (!missing) {
      return pass(missing);
    }
    if (!missing->empty()) {
      fmt::print("{},missing,{}\n", which.name, *missing);
      continue;
    }
    auto figures = bench.run(which);
    if (!figures) {
      return pass(figures, which.name);
    }
    fmt::print("{},{:.1f},{:.1f}\n", which.name, figures->lowest, figures->median);
  }
  return {};
}

}  // namespace

}  // namespace tcpopt::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr,
               "bench-options: give the directory of the BPF objects, and cases if not all\n");
    return 2;
  }
  const auto cases = tcpopt::bench::cases_named({argv + 2, argv + argc});
  if (!cases) {
    fmt::print(stderr, "bench-options: {}\n", cases.error().line());
    return 2;
  }
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setaffinity(0, sizeof(first), &first);
  if (auto done = tcpopt::bench::run_all(argv[1], *cases); !done) {
    fmt::print(stderr, "bench-options: {}\n", done.error().line());
    return 1;
  }
  return 0;
}
