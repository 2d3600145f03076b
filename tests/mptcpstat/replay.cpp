// SPDX-License-Identifier: GPL-2.0-or-later
// The fuzzer's target without a fuzzer: each file of the given directories, the
// captures that we make, and so many mutations of each, the same ones every time.
//
// Usage: mptcpstat-replay MUTATIONS DIRECTORY...
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "captures.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

Input mutate(const Input& seed, std::mt19937& random) {
  auto input = seed;
  const auto below = [&random](std::size_t limit) {
    return random() % std::max<std::size_t>(limit, 1);
  };
  for (auto changes = 1 + below(8); changes > 0 && !input.empty(); --changes) {
    const auto at = below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    const auto length = std::min(below(64), input.size() - at);
    switch (below(5)) {
      case 0:
        *place = static_cast<std::uint8_t>(random());
        break;
      case 1:
        *place = static_cast<std::uint8_t>(*place ^ 1U << below(8));
        break;
      case 2:
        input.erase(place, place + static_cast<std::ptrdiff_t>(length));
        break;
      case 3: {
        const Input copy(place, place + static_cast<std::ptrdiff_t>(length));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size())), copy.begin(),
                     copy.end());
        break;
      }
      default:
        if (below(8) == 0) {
          input.resize(at);
        } else {
          *place = below(2) == 0 ? 0xff : 0;
        }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<Input> seeds;
    for (auto& [name, bytes] : tcpopt::mptcpstat::wire::captures()) {
      seeds.push_back(bytes);
    }
    for (int i = 2; i < argc; ++i) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        std::ifstream file{entry.path(), std::ios::binary};
        seeds.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
      }
    }
    const auto mutations = argc > 1 ? std::stoul(argv[1]) : 0;
    std::mt19937 random{1};  // NOLINT(cert-msc51-cpp): the same inputs every time
    for (const auto& seed : seeds) {
      LLVMFuzzerTestOneInput(seed.data(), seed.size());
      for (unsigned long i = 0; i < mutations; ++i) {
        const auto input = mutate(seed, random);
        LLVMFuzzerTestOneInput(input.data(), input.size());
      }
    }
    fmt::print("{} seeds, {} mutations of each\n", seeds.size(), mutations);
    return 0;
  } catch (const std::exception& error) {
    std::ignore = std::fprintf(stderr, "mptcpstat-replay: %s\n", error.what());
    return 1;
  }
}
