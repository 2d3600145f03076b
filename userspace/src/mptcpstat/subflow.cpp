// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/subflow.h"

#include <algorithm>

namespace tcpopt::mptcpstat {

SubflowState Subflow::state() const {
  if (kind == Kind::Unknown) {
    return SubflowState::Established;
  }
  if (answered_without_option && kind == Kind::Join) {
    return SubflowState::NoOption;
  }
  if (handshake.ack) {
    return SubflowState::Established;
  }
  if (reset_by) {
    return SubflowState::Refused;
  }
  return handshake.syn_ack ? SubflowState::HalfOpen : SubflowState::NoAnswer;
}

std::optional<Time> Subflow::established() const {
  if (state() != SubflowState::Established) {
    return std::nullopt;
  }
  return handshake.ack ? *handshake.ack : first;
}

std::optional<Time> Subflow::handshake_rtt() const {
  if (!handshake.syn || !handshake.ack || handshake.repeated) {
    return std::nullopt;
  }
  return std::max<Time>(*handshake.ack - *handshake.syn, 0);
}

std::optional<Time> Subflow::rtt() const {
  const auto& a = sent[0].rtt();
  const auto& b = sent[1].rtt();
  if (a.count == 0 && b.count == 0) {
    return handshake_rtt();
  }
  // What an end sends is acknowledged by the other one. Where one half has no
  // samples, the handshake has.
  const auto half = [this](EndIndex sender) -> std::optional<Time> {
    if (!handshake.syn || !handshake.syn_ack || !handshake.ack || handshake.repeated) {
      return std::nullopt;
    }
    return sender == opener ? *handshake.syn_ack - *handshake.syn
                            : *handshake.ack - *handshake.syn_ack;
  };
  if (a.count == 0 || b.count == 0) {
    const EndIndex known = a.count == 0 ? 1 : 0;
    return *sent.at(known).rtt().average() + std::max<Time>(half(other(known)).value_or(0), 0);
  }
  return a.min >= b.min ? *a.average() + b.min : *b.average() + a.min;
}

std::optional<Time> Subflow::usual_rtt() const {
  const auto& a = sent[0].rtt();
  const auto& b = sent[1].rtt();
  if (a.count != 0 || b.count != 0) {
    return a.min + b.min;
  }
  return handshake_rtt();
}

}  // namespace tcpopt::mptcpstat
