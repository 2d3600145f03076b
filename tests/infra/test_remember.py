# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes `make check` run a suite again."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import remember  # noqa: E402  # pylint: disable=wrong-import-position


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository with a source, a description and something that is ignored."""
    monkeypatch.setattr(remember, "ROOT", tmp_path)
    monkeypatch.setattr(remember, "PASSED", tmp_path / "cache")
    for name, text in (("src/a.c", "1"), ("README.md", "words"), (".gitignore", "build\ncache\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    return tmp_path


def key():
    return remember.inputs([".", ":(exclude)*.md"], ())


def test_what_counts(tree):
    first = key()
    (tree / "README.md").write_text("other words")
    (tree / "build").mkdir()
    (tree / "build/out").write_text("made")
    assert key() == first
    (tree / "src/a.c").write_text("2")
    changed = key()
    assert changed != first
    (tree / "src/b.c").write_text("not added yet")
    added = key()
    assert added not in (first, changed)
    (tree / "src/b.c").chmod(0o755)
    assert key() not in (first, changed, added)
    (tree / "src/b.c").unlink()
    (tree / "src/a.c").write_text("1")
    assert key() == first
    (tree / "src/a.c").unlink()
    assert key() != first


def test_other_packages_count(tree, monkeypatch):
    first, output = key(), remember.output
    monkeypatch.setattr(remember, "output", lambda *command: b"gcc 13" if "dpkg-query" in command
                        else output(*command))
    assert key() != first


def test_few_reports_are_kept(tree):
    report = tree / "report.xml"
    for number in range(remember.KEPT + 2):
        report.write_text(str(number))
        remember.keep("unit", f"{number}", report)
    assert remember.find("unit", f"{number}").read_text() == f"{number}"
    assert len(list(remember.PASSED.iterdir())) == remember.KEPT
    assert not remember.find("vm", f"{number}")


def test_nothing_is_remembered_outside_of_git(tmp_path, monkeypatch):
    monkeypatch.setattr(remember, "ROOT", tmp_path)
    monkeypatch.setattr(remember, "PASSED", tmp_path / "cache")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert key() is None
    remember.keep("unit", None, tmp_path / "none")
    assert not remember.find("unit", None)
