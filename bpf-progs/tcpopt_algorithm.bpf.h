/* SPDX-License-Identifier: GPL-2.0 */
/* Names of the kernel's algorithms, see struct tcpopt_algorithm. */
#ifndef TCPOPT_ALGORITHM_BPF_H
#define TCPOPT_ALGORITHM_BPF_H

#include "tcpopt_param.h"

/* Both have room for TCPOPT_ALGORITHM_NAME_LEN. */
static __always_inline bool tcpopt_same_name(const char *a, const char *b)
{
	for (int i = 0; i < TCPOPT_ALGORITHM_NAME_LEN; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			break;
	}
	return true;
}

#endif /* TCPOPT_ALGORITHM_BPF_H */
