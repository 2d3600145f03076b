// SPDX-License-Identifier: GPL-2.0-or-later
// BTF declaration tags "tcpopt:key=value", by which a BPF program describes itself.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tcpopt {

/// Values by key, in the order in which the object has them.
using Tags = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Tags of a whole type or function: no member of it.
inline constexpr int kWholeType = -1;

/// All tags on @p type_id, by index of the member they are on, or kWholeType.
/// Tags of others (without our prefix) are left out.
/// Errors: a tag of ours without "=", which is a typing error in the program.
[[nodiscard]] Result<std::map<int, Tags>> read_tags(const btf& types, std::uint32_t type_id);

/// Whether anything has the tag "tcpopt:TEXT".
[[nodiscard]] bool has_tag(const btf& types, std::string_view text);

/// @p tags[@p key] where at most one makes sense.
/// Returns the value, or null if absent. Errors: given more than once.
[[nodiscard]] Result<const std::string*> single_tag(const Tags& tags, std::string_view key);

/// Errors: a key that is not in @p known; a misspelt range must not be ignored.
[[nodiscard]] Status check_tag_keys(const Tags& tags, const std::vector<std::string_view>& known);

}  // namespace tcpopt
