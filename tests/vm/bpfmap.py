# SPDX-License-Identifier: GPL-2.0-or-later
"""Pinned BPF maps without a process for each look: one costs a second in an emulated guest."""
import ctypes
import os
import struct

SYS_BPF = 321  # x86_64
LOOKUP, UPDATE, DELETE, NEXT_KEY, OBJ_GET, RAW_TRACEPOINT_OPEN, POP = 1, 2, 3, 4, 7, 17, 21
LIBC = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    attributes = ctypes.create_string_buffer(attributes, 128)
    result = LIBC.syscall(SYS_BPF, command, attributes, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _address(buffer):
    return ctypes.addressof(buffer)


def _pinned(path):
    name = ctypes.create_string_buffer(str(path).encode())
    return _bpf(OBJ_GET, struct.pack("=QII", _address(name), 0, 0))


def trace(path):
    """Attach a pinned tracing program; returns the link, which ends when it is closed."""
    program = _pinned(path)
    try:
        return _bpf(RAW_TRACEPOINT_OPEN, struct.pack("=QI4x", 0, program))
    finally:
        os.close(program)


class Map:
    def __init__(self, path, key_size, value_size, fd=None):
        """A pinned one, or that of a descriptor of somebody else's."""
        self.value_size, self.key_size = value_size, key_size
        self.fd = _pinned(path) if fd is None else fd

    def close(self):
        os.close(self.fd)

    def _key(self, key):
        if isinstance(key, int):
            key = key.to_bytes(self.key_size, "little")
        return ctypes.create_string_buffer(key, self.key_size)

    def get(self, key):
        """The value, or None."""
        key, value = self._key(key), ctypes.create_string_buffer(self.value_size)
        try:
            _bpf(LOOKUP, struct.pack("=I4xQQQ", self.fd, _address(key), _address(value), 0))
        except FileNotFoundError:
            return None
        return value.raw

    def pop(self):
        """The oldest of a queue, or None."""
        value = ctypes.create_string_buffer(self.value_size)
        try:
            _bpf(POP, struct.pack("=I4xQQQ", self.fd, 0, _address(value), 0))
        except FileNotFoundError:
            return None
        return value.raw

    def set(self, key, value):
        assert len(value) == self.value_size
        key, value = self._key(key), ctypes.create_string_buffer(value, self.value_size)
        _bpf(UPDATE, struct.pack("=I4xQQQ", self.fd, _address(key), _address(value), 0))

    def delete(self, key):
        key = self._key(key)
        _bpf(DELETE, struct.pack("=I4xQ", self.fd, _address(key)))

    def keys(self):
        """Those of a hash, as bytes."""
        found, key = [], None
        while True:
            after = ctypes.create_string_buffer(self.key_size)
            try:
                _bpf(NEXT_KEY, struct.pack("=I4xQQ", self.fd, _address(key) if key else 0,
                                           _address(after)))
            except FileNotFoundError:
                return found
            found.append(after.raw)
            key = after
