// SPDX-License-Identifier: GPL-2.0-or-later
// One MPTCP session: its subflows and what was seen of it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mptcpstat/data_stream.h"
#include "mptcpstat/keys.h"
#include "mptcpstat/limits.h"
#include "mptcpstat/subflow.h"

namespace tcpopt::mptcpstat {

/// Why a session is plain TCP (RFC 8684, section 3.7).
enum class Fallback : std::uint8_t {
  No,
  PlainSyn,          ///< the SYN was sent again without MP_CAPABLE
  NoOptionInSynAck,  ///< not MPTCP, or a middlebox took the option out
  NoOptionLater,     ///< none in the first segments after the handshake
  InfiniteMapping,   ///< an end said so
  MpFail,            ///< the same, after a wrong checksum
};

enum class End : std::uint8_t {
  Open,     ///< when the capture ended
  DataFin,  ///< from both ends
  Fastclose,
  Reset,    ///< its last subflow was
  Closed,   ///< its last subflow ended with FINs, without DATA_FINs
  Idle,     ///< no packets for Limits::idle
  Evicted,  ///< to keep within Limits::sessions or ::subflows
};

struct Announcement {
  EndIndex by = 0;
  std::uint8_t address_id = 0;
  Endpoint endpoint;  ///< port 0: that of the initial subflow
  Time time = 0;
  unsigned times = 0;
  bool echoed = false;
  bool removed = false;
  bool joined = false;  ///< by the other end
  HmacState hmac = HmacState::Unknown;
};

/// What was seen of one end.
struct EndState {
  std::optional<std::uint64_t> key;
  std::optional<std::uint32_t> token;
  bool wants_checksum = false;
  bool no_join_here = false;  ///< C flag of MP_CAPABLE
  std::uint64_t mp_fails = 0, priorities = 0, removals = 0;
  bool fastclose = false;
};

class Session {
 public:
  Session(Budget& budget, const Limits& limits, std::uint64_t session_number, Time time);
  // Subflows refer to it.
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;
  ~Session() = default;

  /// @return nullptr if there are too many in this session
  Subflow* add_subflow(Kind kind, EndIndex opener, const std::array<Endpoint, 2>& endpoints,
                       Time time);
  void set_key(EndIndex end, std::uint64_t key);
  void set_token(EndIndex end, std::uint32_t token) { ends.at(end).token = token; }

  /// A segment that @p from sent on a subflow of this session.
  void segment(Subflow& subflow, EndIndex from, const Segment& segment, const TcpOptions& options);

  /// What is needed to take in segments only.
  void release();

  [[nodiscard]] bool over() const;
  [[nodiscard]] End how_ended() const;
  /// Largest difference between the round-trip times of two subflows.
  [[nodiscard]] std::optional<Time> rtt_spread() const;
  [[nodiscard]] Unused unused(const Subflow& subflow) const;
  [[nodiscard]] std::size_t established_subflows() const;
  [[nodiscard]] bool checksums_used() const {
    return ends[0].wants_checksum || ends[1].wants_checksum;
  }
  /// How many ranges had to be forgotten in all.
  [[nodiscard]] std::uint64_t forgotten() const;

  std::uint64_t number = 0;
  std::optional<std::uint8_t> version;
  bool start_seen = false;  ///< a SYN or SYN-ACK with MP_CAPABLE
  Time first = 0, last = 0;
  /// The responder's first DATA_ACK on the initial subflow: both ends know by then
  /// that the other one speaks MPTCP (RFC 8684, section 3.1).
  std::optional<Time> fully_established;
  std::array<EndState, 2> ends;
  std::array<DataStream, 2> data;
  std::vector<std::unique_ptr<Subflow>> subflows;
  std::uint64_t subflows_dropped = 0;
  std::vector<Announcement> announcements;
  std::uint64_t announcements_dropped = 0;
  Fallback fallback = Fallback::No;
  std::optional<Time> fell_back;
  std::optional<End> forced_end;  ///< by the tracker
  std::optional<Time> last_data;  ///< when new data was sent last
  std::uint64_t malformed = 0, unknown = 0, experimental = 0;
  std::uint64_t seen_elsewhere = 0;  ///< segments that a NAT in between was seen to copy
  std::vector<std::array<Endpoint, 2>> elsewhere;

 private:
  void handshake(Subflow& subflow, EndIndex from, const Segment& segment,
                 const TcpOptions& options);
  void capable(Subflow& subflow, EndIndex from, const Segment& segment, const MpCapable& capable);
  void join(Subflow& subflow, EndIndex from, const Segment& segment, const MpJoin& join);
  void check_hmac(Subflow& subflow, EndIndex from, const MpJoin& join);
  void look_for_fallback(Subflow& subflow, EndIndex from, const Segment& segment,
                         const TcpOptions& options);
  void fall_back(Fallback why, Time time);
  void signals(Subflow& subflow, EndIndex from, const Segment& segment, const TcpOptions& options);
  void announced(EndIndex from, const AddAddr& add, Time time);
  void removed(EndIndex from, const RemoveAddr& remove);
  void joined(const Subflow& subflow);
  void data_sequence(Subflow& subflow, EndIndex from, const Segment& segment,
                     const TcpOptions& options, Range payload);
  void map(Subflow& subflow, EndIndex from, const DataMapping& mapping, bool data_fin,
           const Segment& segment, Range payload);
  void reinjected(EndIndex from, const Interval& part, Time time);
  [[nodiscard]] Cause cause(EndIndex from, const Interval& part, Time time) const;

  Budget* budget_;
  const Limits* limits_;
  std::vector<Range> fresh_;
  bool infinite_ = false;
};

}  // namespace tcpopt::mptcpstat
