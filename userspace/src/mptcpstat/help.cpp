// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/run.h"

namespace tcpopt::mptcpstat {

std::string help_footer() {
  return R"(Words of the output:
  > and <      End 0, which began the session with MP_CAPABLE, and end 1. In JSON and CSV, 0 and 1.
  tokens       Of end 0 and end 1, computed from the keys (RFC 8684, 3.1); ? if no key was seen.
               Joins belong to the session that has their token, whatever the addresses: NATs
               change these. A session or subflow that a NAT shows twice is counted once.
  joined       SYN with MP_JOIN after the first SYN with MP_CAPABLE.
  fully established  The first DATA_ACK of end 1 on the initial subflow: both ends have proof
               by then that the other one speaks MPTCP (3.1).
  rtt          Average of the whole path. What was sent is timed until it is acknowledged, at
               the place of the capture, once for each end; sent twice, it is not (Karn), unless
               timestamps tell the copies apart. Counted is the average of the end further away
               plus the least of the nearer one; without samples, that of the handshake.
  RTT spread   Slowest less fastest subflow of a session.
  bytes        Payload without what was sent before on the same subflow.
  data         Bytes of the session by data sequence number (3.3.1), each counted once.
  retransmission  Payload that the subflow carried before; or that fills a hole, and was sent
               later than what came before it: by timestamps, else by more than an RTT (3 ms
               if unknown).
  reordered    Payload that fills a hole and was sent earlier. Of data: it came behind data with
               higher data sequence numbers, on whatever subflow, and for the first time.
  reinjection  Data that another subflow carried before (3.3.6); a copy that was lost before the
               capture is not seen. Causes, the first that fits:
                 closing  that subflow was reset or closed, or its address withdrawn
                 acked    it had arrived: a DATA_ACK was seen
                 timeout  that subflow retransmitted after a silence, or did not acknowledge
                          it for 200 ms or two round trips, the longer one
                 loss     duplicate ACKs, SACK or a retransmission there since it was sent
                 early    none of these: the scheduler did not wait (redundant, opportunistic)
                 unknown  the first copy was forgotten, to bound memory
  repeated     Data that the same subflow carried before, by other sequence numbers: MPTCP sent it
               again, and had no better subflow for it.
  unused       Established, and no payload either way. Reasons, the first that fits: backup;
               too-late, no new data was sent afterwards; slower, its handshake took longer
               than that of each subflow with data; other.
  fallback     plain-syn: the SYN was repeated without MP_CAPABLE. no-option-in-syn-ack.
               no-option-later: none in the handshake's ACK or an end's first data.
               infinite-mapping, mp-fail: by these signals (3.7).
  ended        data-fin: both ends sent DATA_FIN. fastclose. reset, closed: the last subflow, by
               RST or FINs. idle: --idle seconds without a packet. evicted: to bound memory.
               open: when the capture ended.
  checksums    Of DSS options (3.3). unchecked: the payload was not captured, or not in order.
Times of --from and --to choose sessions; of those all that was captured is reported.
Example:
  tcpdump -i any -s 200 -w session.pcap tcp & curl ...; mptcpstat session.pcap
Exit status: 0 done, 1 not done, or the capture breaks off (one line on stderr says why),
2 wrong usage.)";
}

}  // namespace tcpopt::mptcpstat
