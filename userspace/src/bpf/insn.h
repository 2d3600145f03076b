// SPDX-License-Identifier: GPL-2.0-or-later
// The few BPF instructions that probes are made of.
#pragma once

#include <linux/bpf.h>

namespace tcpopt::insn {

/// For imm and src of what probe() fills in.
inline constexpr int kFillIn = -1;

constexpr bpf_insn make(unsigned code, unsigned dst, unsigned src, short off, int imm) {
  bpf_insn made{};
  made.code = static_cast<__u8>(code);
  made.dst_reg = dst & 0xfU;
  made.src_reg = src & 0xfU;
  made.off = off;
  made.imm = imm;
  return made;
}

constexpr bpf_insn move(unsigned dst, unsigned src) {
  return make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}
constexpr bpf_insn set(unsigned dst, int value) {
  return make(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}
constexpr bpf_insn add(unsigned dst, int value) {
  return make(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value);
}
/// dst = *(u64 *)(src + off)
constexpr bpf_insn load64(unsigned dst, unsigned src, short off) {
  return make(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0);
}
/// *(u32 *)(dst + off) = src
constexpr bpf_insn store32(unsigned dst, short off, unsigned src) {
  return make(BPF_STX | BPF_MEM | BPF_W, dst, src, off, 0);
}
/// *(u64 *)(dst + off) = value
constexpr bpf_insn store64(unsigned dst, short off, int value) {
  return make(BPF_ST | BPF_MEM | BPF_DW, dst, 0, off, value);
}
/// Skips @p count instructions if @p dst is zero.
constexpr bpf_insn skip_if_zero(unsigned dst, short count) {
  return make(BPF_JMP | BPF_JEQ | BPF_K, dst, 0, count, 0);
}
constexpr bpf_insn call(bpf_func_id helper) {
  return make(BPF_JMP | BPF_CALL, 0, 0, 0, static_cast<int>(helper));
}
constexpr bpf_insn call_kfunc() {
  return make(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kFillIn);
}
/// First half of dst = map; load_map_end() must follow.
constexpr bpf_insn load_map(unsigned dst) {
  return make(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, kFillIn);
}
constexpr bpf_insn load_map_end() { return make(0, 0, 0, 0, 0); }
constexpr bpf_insn exit() { return make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

}  // namespace tcpopt::insn
