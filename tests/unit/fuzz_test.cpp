// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged object files and types: each is read or refused, and nobody crashes over it.
// Numbers come from a fixed seed, so that a failure comes again. What crashed once is
// in corpus/, to be tried first.
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "bpf/btf_check.h"
#include "bpf/object.h"
#include "support.h"

namespace tcpopt {
namespace {

namespace fs = std::filesystem;

constexpr std::array kObjects{"sample", "lists", "addrs"};

/// TCPOPT_FUZZ=N: N times as many.
int times(int count) {
  const char* const text = std::getenv("TCPOPT_FUZZ");  // NOLINT(concurrency-mt-unsafe)
  return count * std::max(text == nullptr ? 1 : std::atoi(text), 1);  // NOLINT(cert-err34-c)
}

fs::path object_path(std::string_view name) {
  return fs::path(TEST_OBJECTS) / fmt::format("{}.bpf.o", name);
}

BtfBytes content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  BtfBytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

class Fuzz : public testing::Test {
 protected:
  static void SetUpTestSuite() { libbpf_set_print(nullptr); }

  /// Another byte here and there, or another number, small ones being the likely ones.
  void damage(BtfBytes& bytes) {
    for (int left = number(1, 3); left > 0; --left) {
      const auto at = static_cast<std::size_t>(number(0, static_cast<int>(bytes.size()) - 5));
      if (number(0, 1) == 0) {
        bytes[at] = static_cast<std::byte>(number(0, 255));
      } else {
        const std::uint32_t value = number(0, 1) == 0 ? static_cast<std::uint32_t>(number(0, 300))
                                                      : static_cast<std::uint32_t>(engine_());
        std::memcpy(bytes.data() + (at & ~std::size_t{3}), &value, sizeof(value));
      }
    }
  }

  /// As the daemon reads what it has pinned. Returns whether they are sound.
  static bool read_types_of(const BtfBytes& bytes) {
    const auto types = parse_types(bytes);
    if (types) {
      std::ignore = read_interface(**types);
    }
    return static_cast<bool>(types);
  }

  [[nodiscard]] Result<Object> read_object_of(const BtfBytes& bytes) const {
    const auto path = directory_.path() / "x.bpf.o";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return Object::open({"x", path});
  }

  int number(int least, int most) { return std::uniform_int_distribution(least, most)(engine_); }

  std::mt19937 engine_{12};
  TemporaryDirectory directory_;
};

TEST_F(Fuzz, WhatCrashedOnce) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(TEST_CORPUS)) {
    ++found;
    const auto bytes = content(entry.path());
    if (entry.path().extension() == ".btf") {
      EXPECT_THAT(error_of(parse_types(bytes)), testing::HasSubstr("compile it again"))
          << entry.path();
    } else {
      std::ignore = read_object_of(bytes);  // a later libbpf may take it
    }
  }
  EXPECT_GT(found, 5);
}

TEST_F(Fuzz, TypesThatAreDamaged) {
  int refused = 0;
  for (const auto* const name : kObjects) {
    const auto object = Object::open({name, object_path(name)});
    ASSERT_TRUE(object) << error_of(object);
    ASSERT_TRUE(read_types_of(object->types()));
    for (int i = times(3000); i > 0; --i) {
      auto bytes = object->types();
      damage(bytes);
      refused += read_types_of(bytes) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(Fuzz, TypesThatAreCutOff) {
  const auto object = Object::open({"lists", object_path("lists")});
  ASSERT_TRUE(object) << error_of(object);
  const auto& whole = object->types();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_types_of(BtfBytes(whole.begin(), whole.begin() + static_cast<long>(size))));
  }
}

TEST_F(Fuzz, ObjectsThatAreDamaged) {
  for (const auto* const name : kObjects) {
    const auto whole = content(object_path(name));
    ASSERT_FALSE(whole.empty());
    for (int i = times(60); i > 0; --i) {
      auto bytes = whole;
      damage(bytes);
      std::ignore = read_object_of(bytes);
    }
  }
}

}  // namespace
}  // namespace tcpopt
