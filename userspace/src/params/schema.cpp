// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "params/algorithms.h"
#include "params/decl_tags.h"
#include "params/value.h"

namespace tcpopt {

namespace {

const btf_type* resolve(const btf& types, std::uint32_t id) {
  const int resolved = btf__resolve_type(&types, id);
  return resolved < 0 ? nullptr : btf__type_by_id(&types, static_cast<std::uint32_t>(resolved));
}

std::string_view name_at(const btf& types, std::uint32_t offset) {
  return btf__str_by_offset(&types, offset);
}

bool is_integer_size(std::uint32_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

/// Kind, size, sign and choices from the member's type.
Status describe_type(const btf& types, const btf_type& type, Param& param) {
  param.size = type.size;
  if (btf_is_int(&type) && is_integer_size(type.size)) {
    const auto encoding = btf_int_encoding(&type);
    param.kind = (encoding & BTF_INT_BOOL) != 0 ? Kind::Bool : Kind::Integer;
    param.is_signed = (encoding & BTF_INT_SIGNED) != 0;
    return {};
  }
  if (btf_is_any_enum(&type) && is_integer_size(type.size)) {
    param.kind = Kind::Enum;
    param.is_signed = btf_kflag(&type);
    const bool wide = btf_is_enum64(&type);
    for (int i = 0; i < btf_vlen(&type); ++i) {
      const auto name_off = wide ? btf_enum64(&type)[i].name_off : btf_enum(&type)[i].name_off;
      // The kernel stores 32-bit enumerators signed; kflag says how they are meant.
      const auto signed_value =
          wide ? static_cast<std::int64_t>(btf_enum64_value(&btf_enum64(&type)[i]))
               : std::int64_t{btf_enum(&type)[i].val};
      const auto bits = static_cast<std::uint64_t>(signed_value);
      const Number value =
          param.is_signed ? Number(signed_value) : Number(wide ? bits : bits & UINT32_MAX);
      param.choices.emplace_back(name_at(types, name_off), value);
    }
    return {};
  }
  if (btf_is_array(&type)) {
    const auto& array = *btf_array(&type);
    const auto* element = resolve(types, array.type);
    // clang marks neither char nor __u8 as characters, so the name decides.
    if (element != nullptr && btf_is_int(element) && array.nelems > 1 &&
        name_at(types, element->name_off) == "char") {
      param.kind = Kind::Text;
      param.size = array.nelems;
      return {};
    }
  }
  return fail("its type cannot be a parameter",
              "use bool, an integer, an enum or an array of char; start the names of members that "
              "are not parameters with '_'");
}

Result<Number> limit(const Tags& tags, std::string_view key, const Param& param, Number otherwise) {
  auto text = single_tag(tags, key);
  if (!text) {
    return pass(text);
  }
  if (*text == nullptr) {
    return otherwise;
  }
  auto number = parse_number(**text, param.is_signed);
  if (!number) {
    return pass(number, fmt::format("tcpopt:{}", key));
  }
  if (less(*number, least(param.size, param.is_signed)) ||
      less(greatest(param.size, param.is_signed), *number)) {
    return fail(
        fmt::format("tcpopt:{}: {} does not fit into its {} bytes", key, **text, param.size));
  }
  return number;
}

/// tcpopt:type= makes an enum of an integer, with the choices that all programs
/// share.
Status describe_type_tag(const Tags& tags, Param& param) {
  auto type = single_tag(tags, "type");
  if (!type) {
    return pass(type);
  }
  if (*type == nullptr) {
    return {};
  }
  const auto* const of = find_algorithms(**type);
  if (of == nullptr || param.kind != Kind::Integer || param.is_signed || param.size != 4) {
    return fail(fmt::format("tag 'tcpopt:type={}' does not fit", **type),
                fmt::format("use {} on a __u32", algorithm_types()));
  }
  param.kind = Kind::Enum;
  param.choices.emplace_back("none", std::uint64_t{0});
  for (const auto& algorithm : of->known) {
    param.choices.emplace_back(algorithm.name, std::uint64_t{algorithm.id});
  }
  return {};
}

Status describe_tags(const Tags& tags, Param& param) {
  std::vector<std::string_view> known{"default", "unit", "help", "requires", "type"};
  if (auto described = describe_type_tag(tags, param); !described) {
    return described;
  }
  if (param.kind == Kind::Integer || param.kind == Kind::Bool) {
    // Of a bool there is nothing to choose; TCPOPT_PARAM gives them all the same.
    known.insert(known.end(), {"min", "max"});
  }
  if (auto checked = check_tag_keys(tags, known); !checked) {
    return checked;
  }
  const auto take = [&tags](std::string_view key, auto& into) -> Status {
    auto text = single_tag(tags, key);
    if (!text) {
      return pass(text);
    }
    if (*text != nullptr) {
      into = **text;
    }
    return {};
  };
  for (auto status : {take("default", param.default_text), take("unit", param.unit),
                      take("help", param.help), take("requires", param.required)}) {
    if (!status) {
      return status;
    }
  }
  if (param.kind == Kind::Bool) {
    for (const auto& [tag, only] : {std::pair{"min", "0"}, {"max", "1"}}) {
      auto text = single_tag(tags, tag);
      if (!text || (*text != nullptr && **text != only)) {
        return text ? fail(fmt::format("tcpopt:{}: a bool is 0 or 1", tag)) : pass(text);
      }
    }
  }
  if (param.kind != Kind::Integer) {
    return {};
  }
  auto min = limit(tags, "min", param, least(param.size, param.is_signed));
  if (!min) {
    return pass(min);
  }
  auto max = limit(tags, "max", param, greatest(param.size, param.is_signed));
  if (!max) {
    return pass(max);
  }
  if (less(*max, *min)) {
    return fail(fmt::format("its min {} is above its max {}", to_string(*min), to_string(*max)));
  }
  param.min = *min;
  param.max = *max;
  return {};
}

Result<Param> read_param(const btf& types, const btf_type& parent, int index, const Tags& tags) {
  const auto& member = btf_members(&parent)[index];
  const auto bit_offset = btf_member_bit_offset(&parent, static_cast<std::uint32_t>(index));
  if (btf_member_bitfield_size(&parent, static_cast<std::uint32_t>(index)) != 0 ||
      bit_offset % 8 != 0) {
    return fail("it is a bitfield", "give it a type of its own");
  }
  const auto* type = resolve(types, member.type);
  if (type == nullptr) {
    return fail("its type is not in the BTF");
  }
  Param param;
  param.name = name_at(types, member.name_off);
  param.offset = bit_offset / 8;
  if (auto described = describe_type(types, *type, param); !described) {
    return pass(described);
  }
  if (auto described = describe_tags(tags, param); !described) {
    return pass(described);
  }
  if (param.default_text) {
    std::vector<std::byte> scratch(param.size);
    if (auto stored = store_text(param, *param.default_text, scratch); !stored) {
      return pass(stored, "tcpopt:default");
    }
  }
  return param;
}

Result<Rule> read_rule(std::string_view text, const Schema& schema) {
  constexpr std::string_view kNotAbove = "<=";
  constexpr std::string_view kUnlessZero = "|0";
  Rule rule;
  auto rest = text;
  if (rest.ends_with(kUnlessZero)) {
    rule.unless_zero = true;
    rest.remove_suffix(kUnlessZero.size());
  }
  const auto at = rest.find(kNotAbove);
  if (at != std::string_view::npos) {
    rule.lower = rest.substr(0, at);
    rule.upper = rest.substr(at + kNotAbove.size());
    const auto* const lower = schema.find(rule.lower);
    const auto* const upper = schema.find(rule.upper);
    if (lower != nullptr && upper != nullptr && lower->kind == Kind::Integer &&
        upper->kind == Kind::Integer) {
      return rule;
    }
  }
  return fail(fmt::format("tag 'tcpopt:rule={}' is none", text),
              "write LOWER<=UPPER or LOWER<=UPPER|0 with the names of two integers");
}

Result<const btf_type*> struct_type(const btf& types, std::uint32_t type_id) {
  const auto* type = resolve(types, type_id);
  if (type == nullptr || !btf_is_struct(type)) {
    return fail("the value of the map is not a struct",
                "declare it with __type(value, struct ...)");
  }
  return type;
}

}  // namespace

const Param* Schema::find(std::string_view name) const {
  const auto found = std::find_if(params.begin(), params.end(),
                                  [name](const Param& param) { return param.name == name; });
  return found == params.end() ? nullptr : &*found;
}

const MapParam* Schema::find_map(std::string_view key) const {
  const auto found = std::find_if(maps.begin(), maps.end(),
                                  [key](const MapParam& param) { return param.key == key; });
  return found == maps.end() ? nullptr : &*found;
}

std::string Schema::names() const {
  std::vector<std::string_view> all;
  for (const auto& param : params) {
    all.emplace_back(param.name);
  }
  for (const auto& param : maps) {
    all.emplace_back(param.key);
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

Result<Schema> read_schema(const btf& types, std::uint32_t type_id) {
  auto type = struct_type(types, type_id);
  if (!type) {
    return pass(type);
  }
  const int struct_id = btf__resolve_type(&types, type_id);
  auto tags = read_tags(types, static_cast<std::uint32_t>(struct_id));
  if (!tags) {
    return pass(tags);
  }
  Schema schema;
  schema.size = (*type)->size;
  for (int i = 0; i < btf_vlen(*type); ++i) {
    const auto name = name_at(types, btf_members(*type)[i].name_off);
    if (name == "_generation") {
      const auto* generation = resolve(types, btf_members(*type)[i].type);
      if (generation == nullptr || !btf_is_int(generation) || generation->size != 4) {
        return fail("_generation: it is not a 32-bit integer");
      }
      schema.generation_offset = btf_member_bit_offset(*type, static_cast<std::uint32_t>(i)) / 8;
    }
    if (name.starts_with('_')) {
      continue;
    }
    auto param = read_param(types, **type, i, (*tags)[i]);
    if (!param) {
      return pass(param, name.empty() ? "unnamed member" : name);
    }
    schema.params.push_back(std::move(*param));
  }
  const auto& own = (*tags)[kWholeType];
  if (auto checked = check_tag_keys(own, {"rule"}); !checked) {
    return pass(checked);
  }
  if (const auto rules = own.find("rule"); rules != own.end()) {
    for (const auto& text : rules->second) {
      auto rule = read_rule(text, schema);
      if (!rule) {
        return pass(rule);
      }
      schema.rules.push_back(std::move(*rule));
    }
  }
  return schema;
}

namespace {

Result<std::string> counter_help(const Tags& tags) {
  if (auto checked = check_tag_keys(tags, {"help"}); !checked) {
    return pass(checked);
  }
  auto help = single_tag(tags, "help");
  if (!help) {
    return pass(help);
  }
  return *help != nullptr ? **help : std::string();
}

}  // namespace

Result<std::vector<Counter>> read_counters(const btf& types, std::uint32_t type_id) {
  auto type = struct_type(types, type_id);
  if (!type) {
    return pass(type);
  }
  auto tags = read_tags(types, type_id);
  if (!tags) {
    return pass(tags);
  }
  std::vector<Counter> counters;
  for (int i = 0; i < btf_vlen(*type); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    const auto& member = btf_members(*type)[i];
    const auto* member_type = resolve(types, member.type);
    const std::string name(name_at(types, member.name_off));
    if (member_type == nullptr || !btf_is_int(member_type) || member_type->size != 8 ||
        btf_member_bitfield_size(*type, index) != 0) {
      return fail(fmt::format("{}: a counter is a __u64", name));
    }
    auto help = counter_help((*tags)[i]);
    if (!help) {
      return pass(help, name);
    }
    counters.push_back({name, btf_member_bit_offset(*type, index) / 8, std::move(*help)});
  }
  return counters;
}

}  // namespace tcpopt
