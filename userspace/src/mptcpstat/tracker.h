// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the session of each segment: by addresses and ports within a subflow, by
// token across subflows, as addresses may differ at the two ends (NAT).
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>

#include "mptcpstat/limits.h"
#include "mptcpstat/options.h"
#include "mptcpstat/segment.h"
#include "mptcpstat/session.h"

namespace tcpopt::mptcpstat {

/// What is not of a session, and what met a limit.
struct TrackerCounts {
  std::uint64_t mptcp_segments = 0;  ///< of sessions
  std::uint64_t plain_segments = 0;  ///< of connections that never tried MPTCP
  std::uint64_t sessions = 0;
  std::uint64_t evicted = 0;           ///< sessions that ended for want of room
  std::uint64_t tokens_refused = 0;    ///< sessions that joins cannot find: too many of one token
  std::uint64_t subflows_refused = 0;  ///< beyond Limits::subflows_of_session
};

class Tracker {
 public:
  using Done = std::function<void(const Session&)>;

  /// @param done gets each session once, when it is over and no late packets are
  /// expected, or when it has to make room
  Tracker(const Limits& limits, Done done);
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  Tracker(Tracker&&) = delete;
  Tracker& operator=(Tracker&&) = delete;
  ~Tracker();

  void segment(const Segment& segment);
  /// The capture is over: all sessions are, in the order of their first packets.
  void finish();

  [[nodiscard]] const TrackerCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t live_sessions() const { return open_.size() + over_.size(); }
  [[nodiscard]] std::size_t live_ranges() const { return budget_.used(); }

 private:
  struct Entry;
  using Entries = std::list<Entry>;
  struct FlowKey {
    Endpoint low, high;
    friend bool operator==(const FlowKey&, const FlowKey&) = default;
  };
  struct FlowHash {
    std::uint64_t seed = 0;
    std::size_t operator()(const FlowKey& key) const;
  };
  struct Flow {
    Entry* entry = nullptr;
    Subflow* subflow = nullptr;
    bool low_is_0 = true;    ///< the lower endpoint is the session's end 0
    bool elsewhere = false;  ///< the same subflow, seen on the other side of a NAT
    bool refused = false;    ///< its session has too many; there is no subflow
  };
  using Flows = std::unordered_map<FlowKey, Flow, FlowHash>;
  using Tokens = std::unordered_multimap<std::uint32_t, Entry*>;
  /// Of the two ends of a segment: which is the session's end 0.
  enum class Initiator { Sender, Receiver };

  static FlowKey key_of(const Segment& segment);
  Flow* find(const FlowKey& key);
  Flow* on_syn(const FlowKey& key, const Segment& segment, const TcpOptions& options, Flow* known);
  Flow* on_join(const FlowKey& key, const Segment& segment, const MpJoin& join);
  Flow* in_the_midst(const FlowKey& key, const Segment& segment, const TcpOptions& options);
  Flow* add_flow(const FlowKey& key, const Segment& segment, Entry& entry, Subflow* subflow,
                 Initiator initiator);
  bool seen_elsewhere(Flow& flow, const Segment& segment, const TcpOptions& options);
  Entry& add_session(Time time);
  Entry* find_token(std::uint32_t token, const Endpoint& receiver, EndIndex& receiver_end);
  void note_tokens(Entry& entry);
  void touch(Entry& entry);
  void expire(Time now);
  /// For one more subflow and so many more sessions.
  void make_room(std::size_t sessions);
  void retire(Entry& entry, std::optional<End> why);
  void remove(Entry& entry);

  Limits limits_;
  Done done_;
  Budget budget_;
  TrackerCounts counts_;
  // Both with the entry that was used last at the end.
  Entries open_, over_;
  Flows flows_;
  Tokens tokens_;
  std::size_t subflows_ = 0;
  Time now_ = 0;
};

}  // namespace tcpopt::mptcpstat
