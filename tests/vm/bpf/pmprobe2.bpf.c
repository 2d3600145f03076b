// SPDX-License-Identifier: GPL-2.0
// pmprobe once more, to run beside it.
#define pmprobe pmprobe2
#include "pmprobe.bpf.c"
