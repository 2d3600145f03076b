// SPDX-License-Identifier: GPL-2.0
/* The same again under another name, for two programs on one socket. */
#define NAME calls2
#include "calls.bpf.c"
