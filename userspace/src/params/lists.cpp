// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/lists.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "params/address_kinds.h"
#include "params/algorithms.h"
#include "params/interface_pattern.h"
#include "params/prefix.h"

namespace tcpopt {

namespace {

template <class T>
Bytes bytes_of(const T& object) {
  Bytes bytes(sizeof(object));
  std::memcpy(bytes.data(), &object, sizeof(object));
  return bytes;
}

template <class T>
T from_bytes(const Bytes& bytes) {
  T object{};
  std::memcpy(&object, bytes.data(), std::min(sizeof(object), bytes.size()));
  return object;
}

/// Elements of a comma-separated list; "" has none.
Result<std::vector<std::string_view>> split(std::string_view text) {
  std::vector<std::string_view> elements;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto element = text.substr(0, comma);
    if (element.empty() || comma == text.size() - 1) {
      return fail("an element of the list is empty", "write them as in A,B");
    }
    elements.push_back(element);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return elements;
}

tl::unexpected<Error> given_twice(std::string_view element) {
  return fail(fmt::format("{} is given twice", element), "give each once");
}

/// No more than @p count elements of a list that holds @p capacity.
Status check_room(std::size_t count, std::size_t capacity, std::string_view what) {
  return count <= capacity ? Status()
                           : fail(fmt::format("these are {} {}", count, what),
                                  fmt::format("give at most {}", capacity));
}

/// An element that is the key of its entry, and its one text.
struct Element {
  Bytes key;
  std::string text;
};

Result<Entries> parse_keys(const MapParam& param, const std::vector<std::string_view>& elements,
                           std::string_view what, Result<Element> (*parse)(std::string_view)) {
  if (auto room = check_room(elements.size(), param.capacity, what); !room) {
    return pass(room);
  }
  Entries entries;
  for (const auto element : elements) {
    auto parsed = parse(element);
    if (!parsed) {
      return pass(parsed);
    }
    if (!entries.emplace(std::move(parsed->key), bytes_of(std::uint32_t{1})).second) {
      return given_twice(parsed->text);
    }
  }
  return entries;
}

Result<Element> prefix_element(std::string_view text) {
  return parse_prefix(text).map([](const tcpopt_prefix& prefix) {
    return Element{bytes_of(prefix), to_string(prefix)};
  });
}

Result<Entries> parse_prefixes(const MapParam& param,
                               const std::vector<std::string_view>& elements) {
  auto entries = parse_keys(param, elements, "prefixes", prefix_element);
  if (!entries) {
    return entries;
  }
  const bool all_of_ipv4 = entries->contains(bytes_of(*parse_prefix("0.0.0.0/0")));
  for (const auto& [key, value] : *entries) {
    const auto prefix = from_bytes<tcpopt_prefix>(key);
    if (holds_all_of_ipv4(prefix) && !all_of_ipv4) {
      return fail(fmt::format("{} would hold every IPv4 address, too", to_string(prefix)),
                  "write 2000::/3 for the IPv6 Internet, or 0.0.0.0/0 beside it if that is meant");
    }
  }
  return entries;
}

/// How to come by one that is not offered, or has no id.
std::string algorithm_cure(const Algorithms& of, std::string_view element,
                           const std::set<std::string, std::less<>>& usable, bool is_offered) {
  auto cure = fmt::format("use {}", fmt::join(usable, ", "));
  if (!is_offered && of.find(element) != nullptr) {
    cure += ", or " + fmt::format(fmt::runtime(of.absent_cure), element);
  }
  return cure;
}

Result<Entries> parse_algorithms(const MapParam& param, const Algorithms& of,
                                 const std::vector<std::string_view>& elements,
                                 const std::vector<std::string>& offered) {
  std::set<std::string, std::less<>> usable;
  std::copy_if(offered.begin(), offered.end(), std::inserter(usable, usable.end()),
               [&of](const std::string& name) { return of.find(name) != nullptr; });
  if (auto room = check_room(usable.size(), param.capacity, fmt::format("{}s", of.what)); !room) {
    return pass(room);
  }
  std::set<std::string_view> allowed;
  for (const auto element : elements) {
    if (!usable.contains(element)) {
      const bool is_offered = std::find(offered.begin(), offered.end(), element) != offered.end();
      return fail(is_offered ? fmt::format("{} '{}' has no id", of.what, element)
                             : fmt::format("this kernel offers no {} '{}'", of.what, element),
                  algorithm_cure(of, element, usable, is_offered));
    }
    if (!allowed.insert(element).second) {
      return given_twice(element);
    }
  }
  Entries entries;
  for (const auto& name : usable) {
    tcpopt_algorithm value{};
    name.copy(std::begin(value.name), sizeof(value.name) - 1);
    value.allowed = allowed.contains(name) ? 1 : 0;
    entries.emplace(bytes_of(of.find(name)->id), bytes_of(value));
  }
  return entries;
}

std::string address_kind_names(std::string_view separator) {
  std::vector<std::string_view> names;
  std::transform(kAddressKinds.begin(), kAddressKinds.end(), std::back_inserter(names),
                 [](const AddressKind& kind) { return kind.name; });
  return fmt::format("{}", fmt::join(names, separator));
}

Result<Element> interface_element(std::string_view text) {
  return parse_interface_pattern(text).map([](const tcpopt_ifname& pattern) {
    return Element{bytes_of(pattern), to_string(pattern)};
  });
}

Result<Element> address_kind_element(std::string_view text) {
  const auto* const found =
      std::find_if(kAddressKinds.begin(), kAddressKinds.end(),
                   [text](const AddressKind& kind) { return kind.name == text; });
  if (found == kAddressKinds.end()) {
    return fail(fmt::format("'{}' is not a kind of address", text),
                fmt::format("use {}", address_kind_names(", ")));
  }
  return Element{bytes_of(found->id), std::string(text)};
}

/// In order of the addresses.
nlohmann::json prefixes_json(const Entries& entries) {
  std::vector<tcpopt_prefix> prefixes;
  std::transform(entries.begin(), entries.end(), std::back_inserter(prefixes),
                 [](const auto& entry) { return from_bytes<tcpopt_prefix>(entry.first); });
  std::sort(prefixes.begin(), prefixes.end(), [](const auto& left, const auto& right) {
    const int order = std::memcmp(&left.addr, &right.addr, sizeof(left.addr));
    return order != 0 ? order < 0 : left.bits < right.bits;
  });
  auto array = nlohmann::json::array();
  for (const auto& prefix : prefixes) {
    array.push_back(to_string(prefix));
  }
  return array;
}

nlohmann::json algorithms_json(const Entries& entries) {
  auto array = nlohmann::json::array();
  for (const auto& [key, value] : entries) {
    const auto algorithm = from_bytes<tcpopt_algorithm>(value);
    if (algorithm.allowed != 0) {
      const auto* const name = std::begin(algorithm.name);
      array.push_back(std::string(name, strnlen(name, sizeof(algorithm.name))));
    }
  }
  return array;
}

nlohmann::json interfaces_json(const Entries& entries) {
  auto array = nlohmann::json::array();
  for (const auto& [key, value] : entries) {
    array.push_back(to_string(from_bytes<tcpopt_ifname>(key)));
  }
  return array;
}

nlohmann::json address_kinds_json(const Entries& entries) {
  auto array = nlohmann::json::array();
  for (const auto& kind : kAddressKinds) {
    if (entries.contains(bytes_of(kind.id))) {
      array.push_back(kind.name);
    }
  }
  return array;
}

Status set_lists(const Schema& schema, const Settings& settings, const Offered& offered,
                 Values& values) {
  for (const auto& [key, text] : settings) {
    const auto* param = schema.find_map(key);
    if (param == nullptr) {
      continue;
    }
    auto entries = parse_list(*param, text, offered);
    if (!entries) {
      return pass(entries, key);
    }
    values.lists[param->map] = std::move(*entries);
  }
  return {};
}

}  // namespace

Result<Entries> parse_list(const MapParam& param, std::string_view text, const Offered& offered) {
  auto elements = split(text);
  if (!elements) {
    return pass(elements);
  }
  if (const auto kind = list_kind(param.kind).algorithms) {
    const auto names = offered.find(*kind);
    return parse_algorithms(param, algorithms(*kind), *elements,
                            names == offered.end() ? std::vector<std::string>() : names->second);
  }
  switch (param.kind) {
    case MapKind::Prefixes:
      return parse_prefixes(param, *elements);
    case MapKind::Interfaces:
      return parse_keys(param, *elements, "interfaces", interface_element);
    case MapKind::Algorithms:
    case MapKind::Schedulers:
    case MapKind::AddressKinds:
      break;
  }
  return parse_keys(param, *elements, "kinds of addresses", address_kind_element);
}

nlohmann::json to_json(const MapParam& param, const Entries& entries) {
  switch (param.kind) {
    case MapKind::Prefixes:
      return prefixes_json(entries);
    case MapKind::Algorithms:
    case MapKind::Schedulers:
      return algorithms_json(entries);
    case MapKind::Interfaces:
      return interfaces_json(entries);
    case MapKind::AddressKinds:
      break;
  }
  return address_kinds_json(entries);
}

Result<Values> initial_values(const Schema& schema, const Settings& settings,
                              const Offered& offered) {
  auto scalars = initial_value(schema, settings);
  if (!scalars) {
    return pass(scalars);
  }
  Values values{std::move(*scalars), {}};
  for (const auto& param : schema.maps) {
    auto entries = parse_list(param, param.default_text, offered);
    if (!entries) {
      return pass(entries, param.key);
    }
    values.lists[param.map] = std::move(*entries);
  }
  if (auto set = set_lists(schema, settings, offered, values); !set) {
    return pass(set);
  }
  return values;
}

Result<Values> change_values(const Schema& schema, Values old, const Settings& settings,
                             const Offered& offered) {
  auto scalars = change(schema, std::move(old.scalars), settings);
  if (!scalars) {
    return pass(scalars);
  }
  old.scalars = std::move(*scalars);
  if (auto set = set_lists(schema, settings, offered, old); !set) {
    return pass(set);
  }
  next_generation(schema, old.scalars);
  return old;
}

nlohmann::json to_json(const Schema& schema, const Values& values) {
  auto json = to_json(schema, std::span<const std::byte>(values.scalars));
  for (const auto& param : schema.maps) {
    json[param.key] = to_json(param, values.lists.at(param.map));
  }
  return json;
}

std::string range_text(const MapParam& param) {
  switch (param.kind) {
    case MapKind::Prefixes:
      return fmt::format("ADDRESS/BITS,... up to {}", param.capacity);
    case MapKind::Algorithms:
    case MapKind::Schedulers:
      return "NAME,... that the kernel offers";
    case MapKind::Interfaces:
      return fmt::format("INTERFACE,... up to {}, as in eth*", param.capacity);
    case MapKind::AddressKinds:
      break;
  }
  return address_kind_names(",");
}

}  // namespace tcpopt
