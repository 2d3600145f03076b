// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace tcpopt {

namespace {

using Span = std::span<std::byte>;
using ConstSpan = std::span<const std::byte>;

std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 4> kTrue{"1", "on", "yes", "true"};
  constexpr std::array<std::string_view, 4> kFalse{"0", "off", "no", "false"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) {
    return true;
  }
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) {
    return false;
  }
  return std::nullopt;
}

Status store_integer(const Param& param, std::string_view text, Span to) {
  auto number = parse_number(text, param.is_signed);
  if (!number) {
    return fail(number.error().cause, fmt::format("use {}", range_text(param)));
  }
  if (less(*number, param.min) || less(param.max, *number)) {
    return fail(fmt::format("{} is out of range", text), fmt::format("use {}", range_text(param)));
  }
  store_number(*number, to);
  return {};
}

Status store_enum(const Param& param, std::string_view text, Span to) {
  const auto found = std::find_if(param.choices.begin(), param.choices.end(),
                                  [text](const auto& choice) { return choice.first == text; });
  if (found == param.choices.end()) {
    return fail(fmt::format("'{}' is not one of its values", text),
                fmt::format("use {}", range_text(param)));
  }
  store_number(found->second, to);
  return {};
}

Status store_string(const Param& param, std::string_view text, Span to) {
  if (text.size() >= param.size || text.find('\0') != std::string_view::npos) {
    return fail(fmt::format("the text has {} bytes", text.size()),
                fmt::format("use {}", range_text(param)));
  }
  // Clears what a longer text left behind.
  std::fill(to.begin(), to.end(), std::byte{0});
  std::memcpy(to.data(), text.data(), text.size());
  return {};
}

std::string hex_text(const Number& number) {
  return std::visit([](auto value) { return fmt::format("{:#x}", value); }, number);
}

std::string number_text(const Param& param, const Number& number) {
  return param.unit == kHexUnit ? hex_text(number) : to_string(number);
}

Number number_of(const Param& param, ConstSpan value) {
  return load_number(value.subspan(param.offset, param.size), param.is_signed);
}

Status check_rules(const Schema& schema, ConstSpan value) {
  for (const auto& rule : schema.rules) {
    const auto& lower = *schema.find(rule.lower);
    const auto& upper = *schema.find(rule.upper);
    const auto least = number_of(lower, value);
    const auto most = number_of(upper, value);
    if (less(most, least) && !(rule.unless_zero && most == Number(std::uint64_t{0}))) {
      return fail(fmt::format("{}={} is above {}={}", rule.lower, number_text(lower, least),
                              rule.upper, number_text(upper, most)),
                  fmt::format("give both so that {} is at most {}{}", rule.lower, rule.upper,
                              rule.unless_zero ? fmt::format(", or {} 0", rule.upper) : ""));
    }
  }
  return {};
}

nlohmann::json value_json(const Param& param, ConstSpan from) {
  if (param.kind == Kind::Text) {
    const auto* text = reinterpret_cast<const char*>(from.data());
    return std::string(text, strnlen(text, from.size()));
  }
  const auto number = load_number(from, param.is_signed);
  if (param.kind == Kind::Bool) {
    return std::visit([](auto value) { return value != 0; }, number);
  }
  for (const auto& [name, value] : param.choices) {
    if (value == number) {
      return name;
    }
  }
  return std::visit([](auto value) { return nlohmann::json(value); }, number);
}

}  // namespace

Result<Settings> parse_settings(const std::vector<std::string>& arguments) {
  Settings settings;
  for (const auto& argument : arguments) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(fmt::format("'{}' is not a setting", argument), "write key=value");
    }
    const auto key = argument.substr(0, equals);
    if (!settings.emplace(key, argument.substr(equals + 1)).second) {
      return fail(fmt::format("{} is given twice", key), "give each key once");
    }
  }
  return settings;
}

Status store_text(const Param& param, std::string_view text, Span to) {
  switch (param.kind) {
    case Kind::Integer:
      return store_integer(param, text, to);
    case Kind::Enum:
      return store_enum(param, text, to);
    case Kind::Text:
      return store_string(param, text, to);
    case Kind::Bool:
      break;
  }
  const auto value = parse_bool(text);
  if (!value) {
    return fail(fmt::format("'{}' is neither on nor off", text),
                fmt::format("use {}", range_text(param)));
  }
  store_number(std::uint64_t{*value ? 1U : 0U}, to);
  return {};
}

Result<Bytes> initial_value(const Schema& schema, const Settings& settings) {
  Bytes value(schema.size);
  for (const auto& param : schema.params) {
    const Span to = Span(value).subspan(param.offset, param.size);
    if (param.default_text) {
      if (auto stored = store_text(param, *param.default_text, to); !stored) {
        return pass(stored, param.name);
      }
    } else if (param.kind == Kind::Integer && !settings.contains(param.name) &&
               (less(std::uint64_t{0}, param.min) || less(param.max, std::uint64_t{0}))) {
      return fail(fmt::format("{} has no default", param.name),
                  fmt::format("give --set {}=VALUE, {}", param.name, range_text(param)));
    }
  }
  return change(schema, std::move(value), settings);
}

Result<Bytes> change(const Schema& schema, Bytes old, const Settings& settings) {
  if (old.size() != schema.size) {
    return fail(fmt::format("the map holds {} bytes, its type has {}", old.size(), schema.size));
  }
  for (const auto& [key, text] : settings) {
    const auto* param = schema.find(key);
    if (param == nullptr && schema.find_map(key) != nullptr) {
      continue;
    }
    if (param == nullptr) {
      const auto names = schema.names();
      return fail(fmt::format("no parameter '{}'", key),
                  names.empty() ? "it has none" : "it has " + names);
    }
    auto stored = store_text(*param, text, Span(old).subspan(param->offset, param->size));
    if (!stored) {
      return pass(stored, key);
    }
  }
  if (auto checked = check_rules(schema, old); !checked) {
    return pass(checked);
  }
  return old;
}

bool differs_from_default(const Param& param, std::string_view text) {
  Bytes initial(param.size);
  Bytes wanted(param.size);
  const bool known = !param.default_text || store_text(param, *param.default_text, initial);
  return !known || !store_text(param, text, wanted) || wanted != initial;
}

void next_generation(const Schema& schema, Bytes& value) {
  if (!schema.generation_offset) {
    return;
  }
  const auto at = Span(value).subspan(*schema.generation_offset, sizeof(std::uint32_t));
  const auto generation = std::get<std::uint64_t>(load_number(at, false));
  store_number(generation + 1, at);
}

nlohmann::json to_json(const Schema& schema, ConstSpan value) {
  auto json = nlohmann::json::object();
  for (const auto& param : schema.params) {
    json[param.name] = value_json(param, value.subspan(param.offset, param.size));
  }
  return json;
}

nlohmann::json shown_json(const Schema& schema, ConstSpan value) {
  auto json = nlohmann::json::object();
  for (const auto& param : schema.params) {
    if (param.kind == Kind::Integer && param.unit == kHexUnit) {
      json[param.name] = hex_text(number_of(param, value));
    }
  }
  return json;
}

std::string range_text(const Param& param) {
  std::vector<std::string_view> names;
  switch (param.kind) {
    case Kind::Bool:
      return "on|off";
    case Kind::Text:
      return fmt::format("at most {} bytes", param.size - 1);
    case Kind::Enum:
      for (const auto& choice : param.choices) {
        names.emplace_back(choice.first);
      }
      return fmt::format("{}", fmt::join(names, "|"));
    case Kind::Integer:
      break;
  }
  const bool has_unit = !param.unit.empty() && param.unit != kHexUnit;
  return fmt::format("{}..{}{}{}", number_text(param, param.min), number_text(param, param.max),
                     has_unit ? " " : "", has_unit ? param.unit : "");
}

}  // namespace tcpopt
