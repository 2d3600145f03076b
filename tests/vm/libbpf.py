# SPDX-License-Identifier: GPL-2.0-or-later
"""libbpf itself, for objects that are no business of the daemon."""
import ctypes
import os

LIB = ctypes.CDLL("libbpf.so.1", use_errno=True)
LIB.bpf_object__open_file.restype = ctypes.c_void_p
LIB.bpf_object__open_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
LIB.bpf_object__close.argtypes = [ctypes.c_void_p]
LIB.bpf_object__load.argtypes = [ctypes.c_void_p]
LIB.bpf_object__next_program.restype = ctypes.c_void_p
LIB.bpf_object__next_program.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
LIB.bpf_object__find_map_fd_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
LIB.bpf_object__find_map_by_name.restype = ctypes.c_void_p
LIB.bpf_object__find_map_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
LIB.bpf_map__attach_struct_ops.restype = ctypes.c_void_p
LIB.bpf_map__attach_struct_ops.argtypes = [ctypes.c_void_p]
LIB.bpf_program__type.argtypes = [ctypes.c_void_p]
LIB.bpf_program__set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
LIB.bpf_program__section_name.restype = ctypes.c_char_p
LIB.bpf_program__section_name.argtypes = [ctypes.c_void_p]
LIB.bpf_program__name.restype = ctypes.c_char_p
LIB.bpf_program__name.argtypes = [ctypes.c_void_p]
LIB.bpf_program__set_autoload.argtypes = [ctypes.c_void_p, ctypes.c_bool]
LIB.bpf_program__attach_cgroup.restype = ctypes.c_void_p
LIB.bpf_program__attach_cgroup.argtypes = [ctypes.c_void_p, ctypes.c_int]
LIB.bpf_link__destroy.argtypes = [ctypes.c_void_p]
LIB.bpf_link__update_program.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
LIB.libbpf_set_print.argtypes = [ctypes.c_void_p]
LIB.libbpf_set_print(None)
STRUCT_OPS, SLEEPABLE = 27, 1 << 4
IN_SOFTIRQ = b"struct_ops/accept_new_subflow"


class Object:
    """An object file of which `programs` are loaded, all of them by default."""

    def __init__(self, path, programs=None):
        self.links = {}
        self.handle = LIB.bpf_object__open_file(os.fsencode(path), None)
        assert self.handle, f"{path}: {os.strerror(ctypes.get_errno())}"
        self.programs = {}
        each = LIB.bpf_object__next_program(self.handle, None)
        while each:
            name = LIB.bpf_program__name(each).decode()
            self.programs[name] = each
            LIB.bpf_program__set_autoload(each, programs is None or name in programs)
            section = LIB.bpf_program__section_name(each)
            if LIB.bpf_program__type(each) == STRUCT_OPS and section != IN_SOFTIRQ:
                # This libbpf does not know struct_ops.s.
                LIB.bpf_program__set_flags(each, SLEEPABLE)
            each = LIB.bpf_object__next_program(self.handle, each)

    def load(self):
        """Does the kernel take it?"""
        return LIB.bpf_object__load(self.handle) == 0

    def map_fd(self, name):
        return LIB.bpf_object__find_map_fd_by_name(self.handle, name.encode())

    def attach(self, name, cgroup):
        directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        try:
            link = LIB.bpf_program__attach_cgroup(self.programs[name], directory)
        finally:
            os.close(directory)
        assert link, f"{name}: {os.strerror(ctypes.get_errno())}"
        self.links[name] = link

    def register(self, name="operations"):
        """The struct_ops of that name; 0 or an errno."""
        link = LIB.bpf_map__attach_struct_ops(
            LIB.bpf_object__find_map_by_name(self.handle, name.encode()))
        if link:
            self.links[name] = link
        return 0 if link else ctypes.get_errno()

    def update(self, name, other, new):
        """The link of a program gets a program of another object."""
        return LIB.bpf_link__update_program(self.links[name], other.programs[new])

    def detach(self, name):
        LIB.bpf_link__destroy(self.links.pop(name))

    def close(self):
        for name in list(self.links):
            self.detach(name)
        LIB.bpf_object__close(self.handle)


def names(path):
    one = Object(path, [])
    found = list(one.programs)
    one.close()
    return found
