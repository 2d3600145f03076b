# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in a TOML file a key is: tomllib reads values, but not on which line they are."""
import re

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNED = re.compile(rf"\s*({_DOTTED})\s*=\s*(.*)$")


def split(dotted):
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))


class Lines:
    """`of(path)`: the line of a key, or of the innermost table around it that has one.

    A path is keys and indices, as ("links", 0, "rate").
    """

    def __init__(self, text):
        self.lines = {(): 1}
        self.counts, self.table, self.quote = {}, (), None
        for number, line in enumerate(text.splitlines(), 1):
            self._take(number, line)

    def _take(self, number, line):
        if self.quote:
            if self.quote in line:
                self.quote = None
        elif header := _HEADER.match(line):
            self.table = self._open(split(header[2]), header[1] == "[[")
            self._note(self.table, number)
        elif assigned := _ASSIGNED.match(line):
            self._note(self.table + split(assigned[1]), number)
            opened = re.match(r"\"\"\"|'''", assigned[2])
            if opened and opened[0] not in assigned[2][3:]:
                self.quote = opened[0]

    def _open(self, keys, is_array):
        """The path of a table's header: [links.x] is about the last of [[links]]."""
        path = ()
        for depth, key in enumerate(keys):
            path += (key,)
            if is_array and depth == len(keys) - 1:
                self._note(path, None)
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path += (self.counts[path],)
        return path

    def _note(self, path, number):
        for depth in range(1, len(path) + 1):
            if number or depth == len(path):
                self.lines.setdefault(path[:depth], number)

    def of(self, path):
        for depth in range(len(path), -1, -1):
            if line := self.lines.get(tuple(path[:depth])):
                return line
        return 1
