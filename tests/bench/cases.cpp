// SPDX-License-Identifier: GPL-2.0-or-later
#include "cases.h"

#include <array>

namespace tcpopt::bench {

namespace {

constexpr Program kNone{};
constexpr Program kIdle{"upstream", "idle"};
constexpr Program kUpstreamWrite{"upstream", "write"};
constexpr Program kUpstreamParse{"upstream", "parse"};
constexpr Program kTwoRun{"hooks", "two_run"};
constexpr Program kHookParse{"hooks", "parse"};
constexpr Program kOneRun{"calls", "one_run"};
constexpr Program kTemplate{"calls", "template"};
constexpr Program kWatch{"calls", "watch"};
constexpr Program kWatchArgs{"calls", "watch_args"};
constexpr Program kWatchOther{"calls", "watch_other"};

constexpr auto kAlways = Parsed::EverySegment;
constexpr auto kNever = Parsed::Never;

// Receivers are compared under one sender, upstream's, which every kernel has.
constexpr std::array kCases{
    Case{"none", kNone, kNone, kNever, false},
    Case{"none-again", kNone, kNone, kNever, false},
    Case{"idle", kIdle, kIdle, kNever, false},
    Case{"upstream-write", kUpstreamWrite, kNone, kNever, true},
    Case{"upstream-write+upstream-parse", kUpstreamWrite, kUpstreamParse, kAlways, true},
    Case{"two-run", kTwoRun, kNone, kNever, true},
    Case{"one-run", kOneRun, kNone, kNever, true},
    Case{"template", kTemplate, kNone, kNever, true},
    Case{"upstream-write+flag-parse", kUpstreamWrite, kHookParse, kAlways, true},
    Case{"upstream-write+watched", kUpstreamWrite, kWatch, kAlways, true},
    Case{"upstream-write+watched-args", kUpstreamWrite, kWatchArgs, kAlways, true},
    Case{"upstream-write+unwatched", kUpstreamWrite, kWatchOther, kNever, true},
    Case{"template+watched", kTemplate, kWatch, kAlways, true},
    Case{"template+unwatched", kTemplate, kWatchOther, kNever, true},
    Case{"none+watching", kNone, kWatchOther, kNever, false},
    Case{"upstream-write-again", kUpstreamWrite, kNone, kNever, true},
    Case{"none-after", kNone, kNone, kNever, false},
};

}  // namespace

std::span<const Case> all_cases() { return kCases; }

std::string_view needed_function(const Program& program) {
  if (program.object == "hooks") {
    return "__bpf_tcp_options_size";
  }
  if (program.object != "calls") {
    return {};
  }
  if (program.function == "one_run") {
    return "bpf_tcp_option_store";
  }
  return program.function == "template" ? "bpf_tcp_option_set" : "bpf_tcp_option_watch";
}

}  // namespace tcpopt::bench
