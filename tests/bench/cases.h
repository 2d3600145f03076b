// SPDX-License-Identifier: GPL-2.0-or-later
// What is measured: one connection, the program of its sender, that of its receiver.
#pragma once

#include <span>
#include <string_view>

namespace tcpopt::bench {

/// A function of an object file below tests/bench/bpf; none if both are empty.
struct Program {
  std::string_view object;
  std::string_view function;

  [[nodiscard]] bool none() const { return object.empty(); }
};

/// How often the receiver's program is to be given the option.
enum class Parsed { Never, EverySegment };

/// Which data segments carry an option: that of BENCH_KIND each of them, or that
/// of BENCH_REQUEST_KIND the first of each burst.
enum class Option { None, Each, First };

struct Case {
  std::string_view name;
  Program sender;
  Program receiver;
  Parsed parsed = Parsed::Never;
  Option option = Option::None;
};

/// In the order of measuring. `none` runs before any program was attached, and
/// `none-after` when the last one is gone: what was switched on may stay on.
/// Cases `...-again` repeat another one: the difference is the noise.
[[nodiscard]] std::span<const Case> all_cases();

/// A kernel function that @p program needs, or "" if any kernel runs it.
[[nodiscard]] std::string_view needed_function(const Program& program);

}  // namespace tcpopt::bench
