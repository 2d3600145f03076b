// SPDX-License-Identifier: GPL-2.0
// mpopt once more, to run beside it.
#define mpopt mpopt2
#include "mpopt.bpf.c"
