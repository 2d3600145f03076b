// SPDX-License-Identifier: GPL-2.0-or-later
// Owners for what libbpf hands out as plain pointers.
#pragma once

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <memory>

namespace tcpopt {

struct ObjectDeleter {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};
struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

using ObjectHandle = std::unique_ptr<bpf_object, ObjectDeleter>;
using BtfHandle = std::unique_ptr<btf, BtfDeleter>;
using RingHandle = std::unique_ptr<ring_buffer, RingDeleter>;

}  // namespace tcpopt
