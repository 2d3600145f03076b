// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "params/lists.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

std::string_view json_type_name(const nlohmann::json& value) {
  return value.is_array()     ? "an array"
         : value.is_boolean() ? "a boolean"
         : value.is_string()  ? "a string"
                              : "a number";
}

tl::unexpected<Error> not_of_type(const nlohmann::json& value, std::string_view wanted,
                                  std::string_view range) {
  return fail(fmt::format("it is {}, not {}", json_type_name(value), wanted),
              fmt::format("use {}", range));
}

/// As `set` would be given it.
Result<std::string> scalar_text(const Param& param, const nlohmann::json& value) {
  switch (param.kind) {
    case Kind::Integer:
      return value.is_number() ? Result<std::string>(value.dump())
                               : not_of_type(value, "a number", range_text(param));
    case Kind::Bool:
      return value.is_boolean() ? Result<std::string>(value.dump())
                                : not_of_type(value, "a boolean", "true or false");
    case Kind::Enum:
    case Kind::Text:
      break;
  }
  return value.is_string() ? Result<std::string>(value.get<std::string>())
                           : not_of_type(value, "a string", range_text(param));
}

Result<std::string> list_text_of(const MapParam& param, const nlohmann::json& value) {
  if (!value.is_array()) {
    return not_of_type(value, "an array", fmt::format("[\"...\", ...] of {}", range_text(param)));
  }
  const auto elements = value.get<std::vector<std::string>>();
  for (const auto& element : elements) {
    if (element.empty() || element.find(',') != std::string::npos) {
      return fail(fmt::format("'{}' is not one element", element), "write each between quotes");
    }
  }
  return fmt::format("{}", fmt::join(elements, ","));
}

Result<std::string> checked_text(const Schema& schema, const std::string& key,
                                 const nlohmann::json& value, const Offered& offered) {
  if (const auto* const param = schema.find(key)) {
    Bytes scratch(param->size);
    return scalar_text(*param, value).and_then([&](const std::string& text) {
      return store_text(*param, text, scratch).map([&text] { return text; });
    });
  }
  if (const auto* const param = schema.find_map(key)) {
    return list_text_of(*param, value).and_then([&](const std::string& text) {
      return parse_list(*param, text, offered).map([&text](const Entries&) { return text; });
    });
  }
  const auto names = schema.names();
  return fail("there is no such parameter", names.empty() ? "it has none" : "it has " + names);
}

class Checker {
 public:
  Checker(Policy& policy, Catalog& programs, std::string_view mount)
      : policy_(policy), programs_(programs), mount_(mount) {}

  void check(AttachEntry entry) {
    const auto errors_before = policy_.errors.size();
    auto pattern = CgroupPattern::parse(entry.cgroup, mount_);
    if (!pattern) {
      note(entry.cgroup_place, "cgroup", std::move(pattern.error()));
    }
    const auto program = programs_.find(entry.program);
    if (!program) {
      note(entry.program_place, "program", Error(program.error()));
      return;
    }
    const auto& schema = (*program)->interface.schema;
    const auto settings = settings_of(schema, entry);
    if (policy_.errors.size() != errors_before) {
      return;
    }
    auto values = initial_values(schema, settings, programs_.offered());
    if (!values) {
      note(entry.place, "parameters", std::move(values.error()));
      return;
    }
    if (const auto* const other = same(entry.program, *pattern)) {
      note(entry.cgroup_place, "cgroup",
           {fmt::format("{} is wanted there at {} already", entry.program, other->place.text()),
            "leave one of them out"});
      return;
    }
    policy_.wanted.push_back({std::move(entry.program), std::move(*pattern),
                              std::move(entry.cgroup), settings, to_json(schema, *values),
                              entry.force, std::move(entry.place)});
  }

 private:
  void note(const Place& place, std::string_view key, Error error) {
    policy_.errors.push_back(std::move(error).in(fmt::format("{}: {}", place.text(), key)));
  }

  Settings settings_of(const Schema& schema, const AttachEntry& entry) {
    Settings settings;
    for (const auto& [key, parameter] : entry.parameters) {
      auto text = checked_text(schema, key, parameter.value, programs_.offered());
      if (text) {
        settings.emplace(key, std::move(*text));
      } else {
        note(parameter.place, fmt::format("parameters.{}", key), std::move(text.error()));
      }
    }
    return settings;
  }

  [[nodiscard]] const Wanted* same(const std::string& program, const CgroupPattern& pattern) const {
    const auto found =
        std::find_if(policy_.wanted.begin(), policy_.wanted.end(), [&](const Wanted& wanted) {
          return wanted.program == program && wanted.pattern == pattern;
        });
    return found == policy_.wanted.end() ? nullptr : &*found;
  }

  Policy& policy_;
  Catalog& programs_;
  std::string_view mount_;
};

}  // namespace

Result<std::vector<fs::path>> policy_files(const std::vector<fs::path>& directories) {
  constexpr std::string_view kMain = "tcpopt.toml";
  std::map<std::string, fs::path> main;
  std::map<std::string, fs::path> parts;
  for (const auto& directory : directories) {
    std::error_code code;
    // A link that leads nowhere is a mistake to be told, and no file that is not there.
    if (fs::exists(fs::symlink_status(directory / kMain, code))) {
      main.emplace(kMain, directory / kMain);
    }
    fs::directory_iterator at(directory / "conf.d", code);
    for (; !code && at != fs::directory_iterator(); at.increment(code)) {
      if (at->path().extension() == ".toml") {
        parts.emplace(at->path().filename().string(), at->path());
      }
    }
    if (code && code.value() != ENOENT && code.value() != ENOTDIR) {
      return fail_errno(code.value(), (directory / "conf.d").string(), "run as root");
    }
  }
  std::vector<fs::path> files;
  for (const auto& named : {main, parts}) {
    std::transform(named.begin(), named.end(), std::back_inserter(files),
                   [](const auto& entry) { return entry.second; });
  }
  return files;
}

void add_to(Policy& policy, PolicyFile file, Catalog& programs, std::string_view mount) {
  std::move(file.errors.begin(), file.errors.end(), std::back_inserter(policy.errors));
  Checker checker(policy, programs, mount);
  for (auto& entry : file.entries) {
    checker.check(std::move(entry));
  }
}

}  // namespace tcpopt
