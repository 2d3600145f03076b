/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into the daemon, it makes the kernel one that takes no types newer
 * than those of Linux 5.10; in particular no declaration tags.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

static size_t behind(const struct btf_type *type)
{
	size_t count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

static bool is_newer(const void *types)
{
	const struct btf_header *header = types;
	const char *at = (const char *)types + header->hdr_len + header->type_off;
	const char *end = at + header->type_len;

	while (at < end) {
		const struct btf_type *type = (const void *)at;

		if (BTF_INFO_KIND(type->info) > BTF_KIND_DATASEC)
			return true;
		at += sizeof(*type) + behind(type);
	}
	return false;
}

long syscall(long number, ...)
{
	long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && a[0] == BPF_BTF_LOAD) {
		const union bpf_attr *attr = (const void *)a[1];

		if (is_newer((const void *)attr->btf)) {
			errno = EINVAL;
			return -1;
		}
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
