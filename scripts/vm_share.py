# SPDX-License-Identifier: GPL-2.0-or-later
"""How the guest of scripts/vm gets directories of the host: 9p or virtiofs."""

import ctypes
import os
import resource
import shutil
import socket
import subprocess

VIRTIOFSD = ("virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1


class VmError(Exception):
    """One line that names the cause and the cure."""


class Share9p:
    """QEMU itself serves the files."""

    mount = ("9p", "trans=virtio,version=9p2000.L,msize=512000,cache=none,access=any")

    def arguments(self, directories):
        """QEMU's, for (tag, path, writable) of each directory."""
        words = []
        for tag, path, writable in directories:
            path, more = path.replace(",", ",,"), "" if writable else ",readonly=on"
            words += ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{more}",
                      "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        return words

    def stop(self):
        pass


class ShareVirtiofs:
    """A virtiofsd for each directory, for a kernel that has no 9p."""

    mount = ("virtiofs", "rw")

    def __init__(self, job, megabytes, words):
        self.job, self.megabytes, self.words = job, megabytes, words
        self.daemons = []

    def arguments(self, directories):
        program = next(filter(None, map(shutil.which, VIRTIOFSD)), None)
        if not program:
            raise VmError("'virtiofsd' is missing; run scripts/setup")
        # The daemons read and write the guest's memory.
        words = ["-object", f"memory-backend-memfd,id=ram,size={self.megabytes}M,share=on",
                 "-machine", "memory-backend=ram"]
        for tag, path, writable in directories:
            name = f"{self.job}/{tag}.sock"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name)
                listener.listen(1)
                self.daemons.append(self._daemon(program, listener.fileno(), path, writable))
            words += ["-chardev", f"socket,id={tag},path={name}",
                      "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
        return words

    def _daemon(self, program, listener, path, writable):
        # Both sides see at once what is written to a directory that both can write to.
        cache = "none" if writable else "always"
        path = path.replace("\\", "\\\\").replace(",", "\\,")
        try:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program, f"--fd={listener}", "--rlimit-nofile=0",
                 "-o", f"source={path},cache={cache},sandbox=chroot"],
                stdin=subprocess.DEVNULL, stdout=self.words, stderr=self.words,
                pass_fds=[listener], preexec_fn=lambda: isolate(writable), start_new_session=True)
        except subprocess.SubprocessError:
            raise VmError("virtiofsd got no mount namespace; allow this root CAP_SYS_ADMIN") from None

    def stop(self):
        for daemon in self.daemons:
            daemon.kill()
            daemon.wait()


def isolate(writable):
    """Give this process mounts of its own, all read-only unless WRITABLE.

    virtiofsd has no such option, and the guest's root could write to the host.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def call(function, *arguments):
        if function(*arguments):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    # A file that the guest has looked up is an open one.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    call(libc.unshare, CLONE_NEWNS)
    call(libc.mount, None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    if not writable:
        attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY)
        call(libc.syscall, ctypes.c_long(SYS_MOUNT_SETATTR), AT_FDCWD, b"/", AT_RECURSIVE,
             attributes, ctypes.c_size_t(ctypes.sizeof(attributes)))
