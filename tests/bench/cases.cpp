// SPDX-License-Identifier: GPL-2.0-or-later
#include "cases.h"

#include <array>

namespace tcpopt::bench {

namespace {

constexpr Program kNone{};
constexpr Program kIdle{"upstream", "idle"};
constexpr Program kUpstreamWrite{"upstream", "write"};
constexpr Program kUpstreamParse{"upstream", "parse"};
constexpr Program kUpstreamRequest{"upstream", "request"};
constexpr Program kUpstreamRequestToggled{"upstream", "request_toggled"};
constexpr Program kTwoRun{"hooks", "two_run"};
constexpr Program kHookParse{"hooks", "parse"};
constexpr Program kOneRun{"calls", "one_run"};
constexpr Program kTemplate{"calls", "template"};
constexpr Program kOneRunRequest{"calls", "one_run_request"};
constexpr Program kOneRunRequestToggled{"calls", "one_run_request_toggled"};
constexpr Program kTemplateRequest{"calls", "template_request"};
constexpr Program kWatch{"calls", "watch"};
constexpr Program kWatchArgs{"calls", "watch_args"};
constexpr Program kWatchOther{"calls", "watch_other"};

constexpr auto kAlways = Parsed::EverySegment;
constexpr auto kNever = Parsed::Never;

// Receivers are compared under one sender, upstream's, which every kernel has.
constexpr std::array kCases{
    Case{"none", kNone, kNone, kNever, Option::None},
    Case{"none-again", kNone, kNone, kNever, Option::None},
    Case{"idle", kIdle, kIdle, kNever, Option::None},
    Case{"upstream-write", kUpstreamWrite, kNone, kNever, Option::Each},
    Case{"upstream-write+upstream-parse", kUpstreamWrite, kUpstreamParse, kAlways, Option::Each},
    Case{"two-run", kTwoRun, kNone, kNever, Option::Each},
    Case{"one-run", kOneRun, kNone, kNever, Option::Each},
    Case{"template", kTemplate, kNone, kNever, Option::Each},
    Case{"upstream-write+flag-parse", kUpstreamWrite, kHookParse, kAlways, Option::Each},
    Case{"upstream-write+watched", kUpstreamWrite, kWatch, kAlways, Option::Each},
    Case{"upstream-write+watched-args", kUpstreamWrite, kWatchArgs, kAlways, Option::Each},
    Case{"upstream-write+unwatched", kUpstreamWrite, kWatchOther, kNever, Option::Each},
    Case{"template+watched", kTemplate, kWatch, kAlways, Option::Each},
    Case{"template+unwatched", kTemplate, kWatchOther, kNever, Option::Each},
    Case{"none+watching", kNone, kWatchOther, kNever, Option::None},
    Case{"upstream-request", kUpstreamRequest, kNone, kNever, Option::First},
    Case{"upstream-request-toggled", kUpstreamRequestToggled, kNone, kNever, Option::First},
    Case{"one-run-request", kOneRunRequest, kNone, kNever, Option::First},
    Case{"one-run-request-toggled", kOneRunRequestToggled, kNone, kNever, Option::First},
    Case{"template-request", kTemplateRequest, kNone, kNever, Option::First},
    Case{"upstream-write-again", kUpstreamWrite, kNone, kNever, Option::Each},
    Case{"none-after", kNone, kNone, kNever, Option::None},
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
  if (program.function.starts_with("one_run")) {
    return "bpf_tcp_option_store";
  }
  return program.function.starts_with("template") ? "bpf_tcp_option_set" : "bpf_tcp_option_watch";
}

}  // namespace tcpopt::bench
