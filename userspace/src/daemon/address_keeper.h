// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/address_map.h"
#include "daemon/background.h"
#include "daemon/pin_store.h"
#include "daemon/spaces.h"
#include "kernel/cgroup.h"
#include "params/interface.h"
#include "params/lists.h"

namespace tcpopt {

/// Keeps the local addresses of all attachments true, those whose program has a map
/// for them. Where one changes, the program's iterator is run.
class AddressKeeper final : public Background {
 public:
  using Warnings = std::vector<std::string>;
  using FindMap = std::function<Result<UniqueFd>(const std::string&)>;

  struct Filled {
    AddressMap map;
    Warnings warnings;
  };
  /// Fills the map of a program that is about to be attached; keep() is next.
  /// @param find hands out a descriptor of the map of that name
  [[nodiscard]] Result<Filled> fill(const LocalAddrs& declared, AddressRules rules,
                                    const Cgroup& cgroup, const FindMap& find);
  void keep(const PinStore::Entry& pins, AddressMap map);

  /// Takes over what a predecessor filled, and mends it.
  /// Errors: the maps cannot be opened.
  [[nodiscard]] Status adopt(const PinStore::Entry& pins, const LocalAddrs& declared,
                             AddressRules rules);

  /// Other lists: looks for namespaces, too, and does what adopt() could not.
  [[nodiscard]] Warnings choose(const PinStore::Entry& pins, const LocalAddrs& declared,
                                AddressRules rules);

  /// It is detached, or about to be.
  void forget(const PinStore::Entry& pins) { kept_.erase(pins.path); }

  /// See AddressMap::describe(); null if there is nothing to keep.
  [[nodiscard]] nlohmann::json describe(const PinStore::Entry& pins) const;

  [[nodiscard]] std::vector<int> descriptors() const override;
  [[nodiscard]] std::optional<Clock::time_point> due() const override;
  void work(const std::set<int>& readable) override;

 private:
  struct Kept {
    PinStore::Entry pins;
    AddressMap map;
    Clock::time_point last_scan;
    std::optional<Clock::time_point> next_scan;
  };

  static std::optional<Clock::time_point> next_scan(const Kept& kept);
  Kept& put(const PinStore::Entry& pins, AddressMap map);
  std::optional<Warnings> scan(Kept& kept);
  static Warnings tell(const Kept& kept, const AddressMap::Outcome& outcome);

  Spaces spaces_;
  std::map<std::filesystem::path, Kept> kept_;
};

}  // namespace tcpopt
