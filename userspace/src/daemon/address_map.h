// SPDX-License-Identifier: GPL-2.0-or-later
// The map of local addresses of one attachment, bpf-progs/tcpopt_addr.h.
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bpf/cookie_ring.h"
#include "daemon/address_rules.h"
#include "daemon/spaces.h"
#include "kernel/cgroup.h"
#include "params/local_addrs.h"

namespace tcpopt {

/// Has an entry for each network namespace in which a process of the cgroup is, or
/// a connection of it; if there is none, for that of the daemon.
class AddressMap {
 public:
  /// @param find hands out a descriptor of the map of that name
  static Result<AddressMap> open(const LocalAddrs& declared, AddressRules rules,
                                 const std::function<Result<UniqueFd>(const std::string&)>& find);

  /// What a call did, as far as it could.
  struct Outcome {
    std::vector<SpacePtr> changed;  ///< where the content of the map is another now
    std::vector<Error> problems;
  };

  /// Looks for the namespaces and writes what is not in the map yet.
  /// @param cgroup null: it was removed, but connections of it may be left
  [[nodiscard]] Outcome scan(Spaces& spaces, const Cgroup* cgroup, std::uint64_t cgroup_id);
  /// Whether scan() should be called again though no event asks for it.
  [[nodiscard]] bool has_to_scan_again() const { return again_; }

  /// Writes what is not in the map yet of @p changed.
  [[nodiscard]] Outcome update(const std::set<Cookie>& changed) const;

  /// Whether namespaces other than the daemon's are kept alive by this.
  [[nodiscard]] bool holds_others() const;

  /// @param note is called before the content changes
  void before_change(std::function<void()> note) { before_change_ = std::move(note); }

  void choose(AddressRules rules) { rules_ = std::move(rules); }

  /// Those to wait for until they can be read; without those of the namespaces.
  [[nodiscard]] std::vector<int> descriptors() const;
  /// Takes the events of @p readable. Returns whether they call for a scan().
  [[nodiscard]] bool take_events(const std::set<int>& readable);

  /// {namespaces, addresses, backups, netns: [{cookie, found_at, left_out,
  /// addresses: [{interface, address, backup}]}]} as it is in the map; the first
  /// three are counts, netns has the first so many.
  [[nodiscard]] nlohmann::json describe() const;

 private:
  struct Place {
    SpacePtr space;
    UniqueFd witness;  ///< none: a connection, or nothing, is there
  };
  using Places = std::map<Cookie, Place>;

  AddressMap() = default;
  /// Notes that a look was cut short: what is known stays, and scan() is due again.
  void miss(Error error, Outcome& outcome);
  Places occupied(Spaces& spaces, const Cgroup* cgroup, Outcome& outcome);
  void add_connected(const std::set<std::uint64_t>& cgroups, Places& places);
  void drop_others() const;
  [[nodiscard]] std::optional<tcpopt_addrs> read(Cookie cookie) const;
  void write(const Place& place, Outcome& outcome) const;

  std::function<void()> before_change_;
  UniqueFd map_;
  std::uint32_t capacity_ = 0;
  std::optional<CookieRing> ring_;
  AddressRules rules_;
  Places places_;
  SpacePtr own_;
  std::set<Cookie> wanted_;
  bool again_ = false;
  bool missing_ = false;  ///< in this scan(), something could not be looked at
};

}  // namespace tcpopt
