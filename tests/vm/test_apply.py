# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy that is written down, judged by what the kernel has attached then."""
import contextlib
import itertools
import shutil
import signal
import textwrap
import threading
from pathlib import Path

import pytest

from conftest import BUILD, ROOT, cgroup2, remove_cgroup
from test_loader import eventually, links, refused
from test_operators import processes_in


class Policy:
    """tcpoptctl with a directory of configuration of its own."""

    def __init__(self, loader, directory):
        self.loader, self.directory = loader, directory
        (directory / "conf.d").mkdir(parents=True)
        self.write("tcpopt.toml")

    def write(self, name, *entries):
        """Each entry: program, cgroup, and what follows."""
        (self.directory / name).write_text("\n".join(
            f'[[attach]]\nprogram = "{program}"\ncgroup = "{cgroup}"\n' + "\n".join(more)
            for program, cgroup, *more in entries), encoding="utf-8")

    def ctl(self, *words):
        return self.loader.ctl("--config", self.directory, *words)

    def apply(self, *words):
        """The lines that it printed, each as a list of its words."""
        done = self.ctl("apply", *words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return [line.split() for line in done.stdout.splitlines()]

    def origins(self):
        return {(entry["name"], entry["cgroup"]): entry["origin"] for entry in self.loader.list()}


@pytest.fixture
def policy(loader, tmp_path):
    return Policy(loader, tmp_path / "etc")


def test_only_the_difference_is_done(policy, make_cgroup):
    one, two, three = (make_cgroup(name) for name in ("one", "two", "three"))
    policy.write("tcpopt.toml", ("sample", one, "parameters = { timeout = 7, label = 'hey' }"),
                 ("sample", two))
    assert policy.apply() == [["+", "sample", str(one), "label=hey", "timeout=7"],
                              ["+", "sample", str(two)]]
    assert policy.loader.params("sample", one)["label"] == "hey"
    assert policy.origins() == {("sample", str(one)): "policy", ("sample", str(two)): "policy"}
    before = links()
    assert len(before) == 2
    assert policy.apply() == [["nothing", "to", "do,", "2", "as", "they", "should", "be"]]
    # What is left out is the default again; names are relative to the mount.
    policy.write("tcpopt.toml", ("sample", one.relative_to(cgroup2()),
                                 "parameters.color = 'BLUE'"))
    policy.write("conf.d/10-other.toml", ("sample", three))
    wanted = [["+", "sample", str(three)],
              ["~", "sample", str(one), "color=GREEN", "->", "BLUE,", "label=hey", "->", "none,",
               "timeout=7", "->", "30"],
              ["-", "sample", str(two)]]
    assert policy.apply("--dry-run") == wanted
    assert links() == before and policy.loader.params("sample", one)["timeout"] == 7
    assert policy.apply() == wanted
    params = policy.loader.params("sample", one)
    assert (params["timeout"], params["color"], params["label"]) == (30, "BLUE", "none")
    assert {cgroup for _, _, cgroup in links()} == {one.stat().st_ino, three.stat().st_ino}
    assert before[0] in links(), "what stays is the same attachment"


def test_what_was_attached_by_hand_stays(policy, make_cgroup):
    one, two = make_cgroup("one"), make_cgroup("two")
    for cgroup in (one, two):
        policy.loader.ok("attach", "sample", "--cgroup", cgroup, "timeout=9")
    before = links()
    policy.write("tcpopt.toml", ("sample", one, "parameters.timeout = 5"))
    lines = policy.apply()
    assert sorted(line[:4] for line in lines) == sorted([
        ["sample", str(one), "by", "hand,"], ["sample", str(two), "by", "hand,"],
        ["nothing", "to", "do,", "0"]])
    assert links() == before and policy.loader.params("sample", one)["timeout"] == 9
    assert set(policy.origins().values()) == {"hand"}
    header, *rows = policy.loader.ok("list").splitlines()
    assert " BY " in header and all(" hand " in row for row in rows)


def test_whose_it_is_outlives_the_daemon(policy, cgroup):
    policy.write("tcpopt.toml", ("sample", cgroup))
    policy.apply()
    policy.loader.stop(signal.SIGKILL)
    policy.loader.start()
    assert policy.origins() == {("sample", str(cgroup)): "policy"}
    # A change by hand does not make it one's own.
    policy.loader.ok("set", "sample", "--cgroup", cgroup, "timeout=9")
    assert policy.apply() == [["~", "sample", str(cgroup), "timeout=9", "->", "30"]]
    policy.write("tcpopt.toml")
    assert policy.apply() == [["-", "sample", str(cgroup)]]
    assert links() == []


def test_an_error_changes_nothing(policy, make_cgroup):
    one, two = make_cgroup("one"), make_cgroup("two")
    policy.write("tcpopt.toml", ("sample", one))
    policy.apply()
    before = links()
    policy.write("tcpopt.toml", ("sample", two, "parameters.timeout = 0"))
    refused(policy.ctl("apply"), "tcpopt.toml:4: parameters.timeout: 0 is out of range; use 1..300")
    policy.write("tcpopt.toml", ("sample", two))
    policy.write("conf.d/bad.toml", ("sample", one, "parameter.timeout = 1"))
    refused(policy.ctl("apply"), "conf.d/bad.toml:4: parameter: there is no such key")
    assert links() == before


def test_what_the_daemon_refuses_is_taken_back(policy, make_cgroup, tmp_path):
    """The daemon does not have the program `unknown`."""
    one, two, three = (make_cgroup(name) for name in ("one", "two", "three"))
    policy.write("tcpopt.toml", ("sample", one, "parameters.timeout = 7"), ("sample", three))
    policy.apply()
    before = links()
    shutil.copy(BUILD / "test-progs/sample.bpf.o", tmp_path / "unknown.bpf.o")
    policy.write("tcpopt.toml", ("sample", one, "parameters.timeout = 8"), ("sample", two),
                 ("unknown", two))
    done = policy.ctl("--programs", tmp_path, "apply")
    assert done.returncode == 1 and "no program 'unknown'" in done.stderr, done
    assert links() == before and policy.loader.params("sample", one)["timeout"] == 7


def test_patterns_mean_the_upper_ones(policy, make_cgroup):
    pods = make_cgroup("pods.slice")
    pod = make_cgroup("pod", below=pods)
    container = make_cgroup("container", below=pod)
    other = make_cgroup("pod", below=pods)
    policy.write("tcpopt.toml", ("sample", f"{pods.name}/**"),
                 ("sample", pod, "parameters.timeout = 7"), ("uto", container.name[:-1] + "?"))
    assert sorted(policy.apply()) == sorted([
        ["+", "sample", str(pod), "timeout=7"], ["+", "sample", str(other)],
        ["+", "uto", str(container)]])
    assert {cgroup for _, _, cgroup in links()} == {
        path.stat().st_ino for path in (pod, other, container)}


def test_a_cgroup_that_is_not_there_is_said(policy, cgroup):
    policy.write("tcpopt.toml", ("sample", cgroup), ("sample", "tcpopt-nowhere.slice"))
    done = policy.ctl("apply")
    assert done.returncode == 0 and "tcpopt-nowhere.slice is not there yet" in done.stderr, done
    assert len(links()) == 1


def test_no_policy_is_not_an_empty_one(policy, cgroup):
    policy.write("tcpopt.toml", ("sample", cgroup))
    policy.apply()
    (policy.directory / "tcpopt.toml").unlink()
    assert policy.ctl("apply").stdout.startswith("no policy: ")
    assert len(links()) == 1


def test_another_file_as_the_whole_policy(policy, make_cgroup, tmp_path):
    one, two = make_cgroup("one"), make_cgroup("two")
    policy.write("tcpopt.toml", ("sample", one))
    policy.write("other.toml", ("sample", two))
    assert policy.apply(policy.directory / "other.toml") == [["+", "sample", str(two)]]
    check = policy.ctl("config", "check", policy.directory / "other.toml")
    assert check.returncode == 0 and "other.toml: 1 attachment\n" in check.stdout


def test_the_policy_of_the_readme(policy):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text[text.index("    [[attach]]"):text.index("    tcpoptctl config check")]
    (policy.directory / "tcpopt.toml").write_text(textwrap.dedent(block), encoding="utf-8")
    check = policy.ctl("config", "check")
    assert check.returncode == 0 and "tcpopt.toml: 2 attachments\n" in check.stdout, check


def test_cgroups_that_appear_are_covered(policy, make_cgroup):
    pods = make_cgroup("pods.slice")
    policy.write("tcpopt.toml", ("sample", f"{pods.name}/**", "parameters.timeout = 7"),
                 ("uto", pods / "web"))
    assert policy.ctl("apply").returncode == 0
    assert links() == []
    pod, web = pods / "pod", pods / "web"
    try:
        (pod / "container").mkdir(parents=True)
        web.mkdir()
        eventually(lambda: len(links()) == 3)
        assert policy.origins() == {("sample", str(pod)): "policy", ("sample", str(web)): "policy",
                                    ("uto", str(web)): "policy"}
        assert policy.loader.params("sample", pod)["timeout"] == 7
        assert policy.apply()[0][0] == "nothing"
        # A unit that starts again gets a cgroup of its own.
        web.rmdir()
        eventually(lambda: len(links()) == 1)
        web.mkdir()
        eventually(lambda: len(links()) == 3)
        # Of a daemon that was killed, the next one looks after what appeared meanwhile.
        policy.loader.stop(signal.SIGKILL)
        late = pods / "late"
        late.mkdir()
        policy.loader.start()
        eventually(lambda: ("sample", str(late)) in policy.origins())
        # And what the policy means no more is not covered.
        policy.write("tcpopt.toml")
        assert {line[0] for line in policy.apply()} == {"-"}
        (pods / "after").mkdir()
        policy.loader.list()
        assert links() == []
    finally:
        for path in sorted(pods.glob("**/"), reverse=True)[:-1]:
            remove_cgroup(path)


def test_what_could_not_be_covered_is_said(policy, make_cgroup):
    """A process that is in it before the program is may have connections already."""
    pods = make_cgroup("pods.slice")
    policy.write("tcpopt.toml", ("sample", f"{pods.name}/*"))
    policy.ctl("apply")
    policy.loader.process.send_signal(signal.SIGSTOP)
    pod = pods / "pod"
    pod.mkdir()
    try:
        with processes_in([pod]):
            policy.loader.process.send_signal(signal.SIGCONT)
            eventually(lambda: f"attach sample to {pod}: processes were in it before" in
                       policy.loader.messages())
    finally:
        remove_cgroup(pod)


def watches(pid):
    """Of cgroups, that a process has."""
    count = 0
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += path.read_text(encoding="utf-8").count("inotify wd:")
    return count


def test_what_is_removed_is_not_watched_any_more(policy, make_cgroup):
    """cgroupfs does not end a watch by itself, and all of root shares their number."""
    top = make_cgroup("top")
    policy.write("tcpopt.toml", ("sample", f"{top.relative_to(cgroup2())}/**/web"))
    policy.apply()
    pid = policy.loader.process.pid
    before = watches(pid)
    for n in range(30):
        (top / f"x{n}").mkdir()
    (top / "x0" / "web").mkdir()
    eventually(lambda: watches(pid) >= before + 29)
    eventually(policy.loader.list)
    (top / "x0" / "web").rmdir()
    for n in range(30):
        (top / f"x{n}").rmdir()
    eventually(lambda: watches(pid) == before)


def test_cgroups_that_come_and_go_do_not_fail_it(policy, make_cgroup):
    """What was wanted of one that is gone, or was covered meanwhile, is done."""
    top = make_cgroup("top")
    policy.write("tcpopt.toml", ("sample", f"{top.relative_to(cgroup2())}/c*"))
    policy.apply()
    over = threading.Event()

    def churn():
        for n in itertools.count():
            if over.is_set():
                return
            cgroup = top / f"c{n}"
            cgroup.mkdir()
            over.wait(0.3)
            cgroup.rmdir()
    churning = threading.Thread(target=churn)
    churning.start()
    try:
        ended = [policy.ctl("apply") for _ in range(30)]
    finally:
        over.set()
        churning.join()
    assert [done.stderr for done in ended if done.returncode] == []
