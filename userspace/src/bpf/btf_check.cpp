// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/btf_check.h"

#include <fmt/format.h>
#include <linux/btf.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace tcpopt {

namespace {

constexpr const char* kCure = "the file is damaged: compile it again";
constexpr std::uint16_t kMagic = 0xeb9f;

tl::unexpected<Error> broken(std::string_view what) {
  return fail(fmt::format("its types (BTF) are broken: {}", what), kCure);
}

// libbpf has functions of the names of some of these.
using Array = struct ::btf_array;
using Member = struct ::btf_member;
using Enum64 = struct ::btf_enum64;
using Enum = struct ::btf_enum;
using Parameter = struct ::btf_param;
using SectionEntry = struct ::btf_var_secinfo;
using Variable = struct ::btf_var;
using DeclTag = struct ::btf_decl_tag;

/// A type and what is behind it: @p count records of @p size bytes.
struct Type {
  btf_type head{};
  std::size_t extra = 0;  ///< where that begins in the types
};

class Checker {
 public:
  Checker(std::span<const std::byte> types, std::span<const std::byte> strings)
      : types_(types), strings_(strings) {}

  Status check() {
    if (auto split = split_types(); !split) {
      return split;
    }
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (!is_sound(found_[i])) {
        return broken(fmt::format("type {} refers to what is not there", i + 1));
      }
    }
    return {};
  }

 private:
  template <class T>
  [[nodiscard]] T at(std::size_t offset) const {
    T value{};
    std::memcpy(&value, types_.subspan(offset, sizeof(value)).data(), sizeof(value));
    return value;
  }

  /// Bytes behind the head of a type; -1: a kind that nobody knows.
  static long extra_size(const btf_type& type) {
    const auto count = static_cast<long>(BTF_INFO_VLEN(type.info));
    switch (BTF_INFO_KIND(type.info)) {
      case BTF_KIND_INT:
        return sizeof(std::uint32_t);
      case BTF_KIND_ARRAY:
        return sizeof(Array);
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        return count * static_cast<long>(sizeof(Member));
      case BTF_KIND_ENUM:
        return count * static_cast<long>(sizeof(Enum));
      case BTF_KIND_ENUM64:
        return count * static_cast<long>(sizeof(Enum64));
      case BTF_KIND_FUNC_PROTO:
        return count * static_cast<long>(sizeof(Parameter));
      case BTF_KIND_VAR:
        return sizeof(Variable);
      case BTF_KIND_DATASEC:
        return count * static_cast<long>(sizeof(SectionEntry));
      case BTF_KIND_DECL_TAG:
        return sizeof(DeclTag);
      case BTF_KIND_PTR:
      case BTF_KIND_FWD:
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_CONST:
      case BTF_KIND_RESTRICT:
      case BTF_KIND_FUNC:
      case BTF_KIND_FLOAT:
      case BTF_KIND_TYPE_TAG:
        return 0;
      default:
        return -1;
    }
  }

  Status split_types() {
    std::size_t next = 0;
    while (next < types_.size()) {
      if (types_.size() - next < sizeof(btf_type)) {
        return broken("the last type is cut off");
      }
      Type type{at<btf_type>(next), next + sizeof(btf_type)};
      const auto extra = extra_size(type.head);
      if (extra < 0) {
        return broken(fmt::format("type {} is of an unknown kind {}", found_.size() + 1,
                                  static_cast<unsigned>(BTF_INFO_KIND(type.head.info))));
      }
      if (types_.size() - type.extra < static_cast<std::size_t>(extra)) {
        return broken("the last type is cut off");
      }
      next = type.extra + static_cast<std::size_t>(extra);
      found_.push_back(type);
    }
    return {};
  }

  [[nodiscard]] bool is_string(std::uint32_t offset) const { return offset < strings_.size(); }
  /// 0 is void.
  [[nodiscard]] bool is_type(std::uint32_t id) const { return id <= found_.size(); }
  [[nodiscard]] bool is_of_kind(std::uint32_t id, unsigned kind) const {
    return id != 0 && is_type(id) && BTF_INFO_KIND(found_[id - 1].head.info) == kind;
  }

  template <class Record, class Test>
  [[nodiscard]] bool all(const Type& type, Test test) const {
    for (std::size_t i = 0; i < BTF_INFO_VLEN(type.head.info); ++i) {
      if (!test(at<Record>(type.extra + i * sizeof(Record)))) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool is_sound(const Type& type) const {
    return is_string(type.head.name_off) && is_sound_inside(type);
  }

  [[nodiscard]] bool is_sound_inside(const Type& type) const {
    switch (BTF_INFO_KIND(type.head.info)) {
      case BTF_KIND_ARRAY: {
        const auto array = at<Array>(type.extra);
        return is_type(array.type) && is_type(array.index_type);
      }
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        return all<Member>(type, [this](const Member& member) {
          return is_string(member.name_off) && is_type(member.type);
        });
      case BTF_KIND_ENUM:
        return all<Enum>(type, [this](const Enum& value) { return is_string(value.name_off); });
      case BTF_KIND_ENUM64:
        return all<Enum64>(type, [this](const Enum64& value) { return is_string(value.name_off); });
      case BTF_KIND_FUNC_PROTO:
        return is_type(type.head.type) && all<Parameter>(type, [this](const Parameter& param) {
                 return is_string(param.name_off) && is_type(param.type);
               });
      case BTF_KIND_DATASEC:
        return all<SectionEntry>(type, [this](const SectionEntry& variable) {
          return is_of_kind(variable.type, BTF_KIND_VAR) ||
                 is_of_kind(variable.type, BTF_KIND_FUNC);
        });
      case BTF_KIND_FUNC:
        return is_of_kind(type.head.type, BTF_KIND_FUNC_PROTO);
      case BTF_KIND_INT:
      case BTF_KIND_FLOAT:
      case BTF_KIND_FWD:
        return true;
      default:
        return is_type(type.head.type);
    }
  }

  std::span<const std::byte> types_;
  std::span<const std::byte> strings_;
  std::vector<Type> found_;
};

}  // namespace

Status check_types(std::span<const std::byte> bytes) {
  btf_header header{};
  if (bytes.size() < sizeof(header)) {
    return broken("there is no header");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic || header.version != BTF_VERSION || header.hdr_len < sizeof(header) ||
      header.hdr_len > bytes.size()) {
    return broken("it has another header");
  }
  const auto body = bytes.subspan(header.hdr_len);
  const auto holds = [&body](std::uint64_t offset, std::uint64_t size) {
    return offset + size <= body.size();
  };
  if (!holds(header.type_off, header.type_len) || !holds(header.str_off, header.str_len)) {
    return broken("a section is longer than the file");
  }
  const auto strings = body.subspan(header.str_off, header.str_len);
  // Each string ends before the section does.
  if (strings.empty() || strings.front() != std::byte{0} || strings.back() != std::byte{0}) {
    return broken("the strings do not end");
  }
  return Checker(body.subspan(header.type_off, header.type_len), strings).check();
}

}  // namespace tcpopt
