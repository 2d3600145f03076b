// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/keys.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <vector>

namespace tcpopt::mptcpstat {

namespace {

using Digest = std::array<std::uint8_t, EVP_MAX_MD_SIZE>;

void append(std::vector<std::uint8_t>& to, std::uint64_t value, std::size_t size) {
  for (auto shift = size * 8; shift > 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
}

Digest keyed(const EVP_MD* hash, std::uint64_t first, std::uint64_t second,
             const std::vector<std::uint8_t>& message) {
  std::vector<std::uint8_t> key;
  append(key, first, 8);
  append(key, second, 8);
  Digest digest{};
  unsigned length = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()), message.data(), message.size(),
       digest.data(), &length);
  return digest;
}

}  // namespace

KeyDigest digest_key(std::uint64_t key, std::uint8_t version) {
  std::vector<std::uint8_t> bytes;
  append(bytes, key, 8);
  Digest digest{};
  std::size_t length = 0;
  if (version == 0) {
    SHA1(bytes.data(), bytes.size(), digest.data());
    length = SHA_DIGEST_LENGTH;
  } else {
    SHA256(bytes.data(), bytes.size(), digest.data());
    length = SHA256_DIGEST_LENGTH;
  }
  const Bytes whole{digest.data(), length};
  return {Reader{whole}.u32(), Reader{whole.last(8)}.u64()};
}

std::array<std::uint8_t, 20> join_hmac(std::uint8_t version, const JoinSide& sender,
                                       const JoinSide& receiver) {
  std::vector<std::uint8_t> message;
  append(message, sender.nonce, 4);
  append(message, receiver.nonce, 4);
  const auto digest =
      keyed(version == 0 ? EVP_sha1() : EVP_sha256(), sender.key, receiver.key, message);
  std::array<std::uint8_t, 20> hmac{};
  std::copy_n(digest.begin(), hmac.size(), hmac.begin());
  return hmac;
}

std::uint64_t add_addr_hmac(std::uint64_t sender_key, std::uint64_t receiver_key,
                            const AddAddr& add) {
  std::vector<std::uint8_t> message{add.address_id};
  const auto& bytes = add.address.bytes;
  message.insert(message.end(), bytes.begin() + (add.address.is_v4() ? 12 : 0), bytes.end());
  append(message, add.port.value_or(0), 2);
  const auto digest = keyed(EVP_sha256(), sender_key, receiver_key, message);
  return Reader{Bytes{digest.data(), SHA256_DIGEST_LENGTH}.last(8)}.u64();
}

}  // namespace tcpopt::mptcpstat
