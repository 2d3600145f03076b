# SPDX-License-Identifier: GPL-2.0-or-later
"""The QEMU process of scripts/vm: its command line, and the talk with the guest."""

import collections
import ctypes
import mmap
import os
import platform
import selectors
import shutil
import socket
import subprocess
import tempfile
import time

from vm_share import Share9p, ShareVirtiofs, VmError

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tcpopt")
KEPT_LOGS = 20
PORTS = ("out", "err", "ctl")


def beside(image, name):
    """What scripts/kernel laid beside an image whose drivers are modules, or None."""
    path = os.path.join(os.path.dirname(os.path.realpath(image)), name)
    return path if os.path.exists(path) else None


def tsc_khz():
    """The rate of this machine's time stamp counter, which an emulated CPU passes on."""
    if platform.machine() != "x86_64":
        return None
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(bytes.fromhex("0f31 48c1e220 4809d0 c3"))  # rdtsc; rax |= rdx << 32; ret
        code = ctypes.c_char.from_buffer(page)
        rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(code))

        def both():
            """Ticks and nanoseconds of one moment: of several tries, the least disturbed."""
            tries = []
            for _ in range(20):
                before, ticks, after = time.monotonic_ns(), rdtsc(), time.monotonic_ns()
                tries.append((after - before, ticks, (before + after) // 2))
            return min(tries)[1:]

        start = both()
        time.sleep(0.02)
        end = both()
        del code  # the page is in use as long as it is there
    return (end[0] - start[0]) * 1_000_000 // (end[1] - start[1])


class Machine:
    def __init__(self, image, job, opt, kvm):
        self.image, self.job, self.opt, self.kvm = image, job, opt, kvm
        self.initrd = beside(image, "initrd")
        self.status, self.taint = None, 0
        self.timed_out = False
        self.boot_seconds = self.all_seconds = float("nan")
        self._qemu = None
        self._expected = None  # bytes of output that the guest says it sent
        self._received = {"out": 0, "err": 0}
        self._tail = collections.deque(maxlen=64)  # pieces of output, for a timeout
        self._control = b""
        self.console = self._new_console()
        self._words = tempfile.TemporaryFile()
        self._share = ShareVirtiofs(job, opt.memory, self._words) if self.initrd else Share9p()

    @staticmethod
    def _new_console():
        logs = os.path.join(CACHE, "log")
        os.makedirs(logs, exist_ok=True)
        old = sorted((e for e in os.scandir(logs) if e.name.startswith("vm-")),
                     key=lambda e: e.stat().st_mtime)
        for entry in old[:-KEPT_LOGS]:
            try:
                os.unlink(entry.path)
            except FileNotFoundError:
                pass  # another run was quicker
        handle, path = tempfile.mkstemp(prefix="vm-", suffix=".console", dir=logs)
        os.close(handle)
        return path

    def _kernel_parameters(self):
        words = [
            "console=ttyS0 loglevel=5 panic=-1 oops=panic",
            "net.ifnames=0 dummy.numdummies=0 mitigations=off random.trust_cpu=on",
            # The host may be busy: what is only slow must not look hung.
            "rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30",
        ]
        if self.initrd:
            words.append(f"vm_init={self.job}/init")  # see scripts/vm-initramfs
        else:
            words += ["root=hostroot rootfstype=9p ro",
                      "rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=loose",
                      f"init={self.job}/init"]
        if not self.kvm:
            # Measuring the clock against others takes long and, on a busy host,
            # comes out wrong: seconds that pass in a fiftieth of one.
            words.append("tsc=reliable no_timer_check lpj=4000000")
            khz = 1_000_000 if self.opt.deterministic else tsc_khz()
            if khz:
                words.append(f"tsc_early_khz={khz}")
        if self.opt.deterministic:
            # Where things lie decides how many cache and hash misses there are.
            words.append("norandmaps nokaslr")
        return " ".join(words + [self.opt.append])

    def _command(self, sockets):
        opt = self.opt
        command = [
            # Should this process be killed, QEMU goes as well.
            "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35,smm=off,vmport=off,usb=off,sata=off,i8042=off",
            "-m", str(opt.memory), "-smp", str(opt.cpus),
            "-kernel", self.image, "-append", self._kernel_parameters(),
            "-chardev", f"file,id=console,path={self.console.replace(',', ',,')}",
            "-serial", "chardev:console",
            # The first virtio device: its ports are /dev/vport0pN.
            "-device", "virtio-serial-pci,max_ports=8",
            "-device", "virtio-rng-pci",
        ]
        if self.kvm:
            command += ["-accel", "kvm", "-cpu", "host"]
        elif opt.deterministic:
            command += ["-accel", "tcg,thread=single,tb-size=512", "-cpu", "max",
                        "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm",
                        "-seed", "1"]
        else:
            command += ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"]
        for number, name in enumerate(PORTS, 1):
            command += ["-chardev", f"socket,id={name},fd={sockets[name].fileno()}",
                        "-device", f"virtserialport,chardev={name},nr={number}"]
        if not opt.command:
            command += ["-chardev", "stdio,id=terminal,signal=off",
                        "-device", "virtconsole,chardev=terminal,nr=4"]
        if self.initrd:
            command += ["-initrd", self.initrd]
        shares = [("hostroot", "/", False)]
        shares += [(f"out{n}", os.path.realpath(path), True) for n, path in enumerate(opt.out)]
        return command + self._share.arguments(shares)

    def run(self, timeout):
        """Boot, pass the output on, and return when the guest is off or was ended."""
        if not shutil.which("qemu-system-x86_64"):
            raise VmError("'qemu-system-x86_64' is missing; run scripts/setup")
        start = time.monotonic()
        ours, theirs = {}, {}
        for name in PORTS:
            ours[name], theirs[name] = socket.socketpair()
        self._qemu = subprocess.Popen(
            self._command(theirs), stdout=self._words, stderr=self._words,
            stdin=None if not self.opt.command else subprocess.DEVNULL,
            pass_fds=[s.fileno() for s in theirs.values()],
            # Ctrl-C is for this process, which then ends QEMU; but the shell's
            # terminal must stay QEMU's.
            start_new_session=bool(self.opt.command),
        )
        for sock in theirs.values():
            sock.close()
        with selectors.DefaultSelector() as selector:
            for name, sock in ours.items():
                selector.register(sock, selectors.EVENT_READ, name)
            while selector.get_map() and not self._complete():
                left = timeout - (time.monotonic() - start) if timeout else None
                if left is not None and left <= 0:
                    self.timed_out = True
                    break
                for key, _ in selector.select(left):
                    data = key.fileobj.recv(1 << 17)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.data == "ctl":
                        self._take_control(data, start)
                    else:
                        self._pass_on(key.data, data)
        if self.timed_out:
            self.kill()
        else:
            try:
                ours["ctl"].sendall(b"bye\n")
            except OSError:
                pass  # QEMU is gone already
            self._await_end(10)
        for sock in ours.values():
            sock.close()
        self.all_seconds = time.monotonic() - start

    def _pass_on(self, name, data):
        self._received[name] += len(data)
        self._tail.append(data[-4096:])
        view = memoryview(data)
        while view:
            view = view[os.write(1 if name == "out" else 2, view):]

    def _take_control(self, data, start):
        self._control += data
        *lines, self._control = self._control.split(b"\n")
        for line in lines:
            word, *numbers = line.split()
            if word == b"ready":
                self.boot_seconds = time.monotonic() - start
            elif word == b"done":
                self.status, out, err, self.taint = (int(n) for n in numbers)
                self._expected = {"out": out, "err": err}

    def _complete(self):
        return self._expected is not None and all(
            self._received[n] >= self._expected[n] for n in self._expected)

    def _await_end(self, seconds):
        try:
            self._qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        if self._qemu and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()
        self._share.stop()

    def console_text(self):
        with open(self.console, errors="replace") as f:
            return f.read()

    def last_output(self, lines=40):
        return b"".join(self._tail).decode(errors="replace").splitlines()[-lines:]

    def qemu_words(self):
        self._words.seek(0)
        words = self._words.read().decode(errors="replace").split("\n")
        words = [w for w in words if w.strip()]
        return f" (QEMU: {words[-1]})" if words else ""


def kvm_works(probe):
    """Whether a guest gets as far as its first program under KVM.

    /dev/kvm can exist and the guest hang before its first line, so a machine is
    booted by probe(); once per boot of the host, the verdict is kept.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id") as f:
        boot_id = f.read().strip()
    verdict = os.path.join(CACHE, "kvm-verdict")
    try:
        with open(verdict) as f:
            known, works = f.read().split()
        if known == boot_id:
            return works == "yes"
    except (OSError, ValueError):
        pass  # not asked yet
    works = probe()
    with tempfile.NamedTemporaryFile("w", dir=CACHE, delete=False) as f:
        f.write(f"{boot_id} {'yes' if works else 'no'}\n")
    os.replace(f.name, verdict)
    return works
