# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparisons of measures: `rtt['bbr'] < 1.2 * rtt['vegas']`.

A measure by series, by value of the sweep, or by both, is the median of its
repetitions. `wins(MEASURE, A, B)` is the share of repetitions in which A is less than
B; `during(MEASURE, KEY, BEGIN, END)` is the median of the samples of these seconds;
`counted(KEY, HOST, PROGRAM, COUNTER)` the least that the program counted in a repetition.
"""
import ast

FUNCTIONS = ("wins", "during", "counted", "min", "max", "abs")
_ALLOWED = (ast.Expression, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Subscript,
            ast.Name, ast.Constant, ast.Tuple, ast.Call, ast.Load, ast.cmpop, ast.boolop,
            ast.operator, ast.unaryop)


class Unknown(Exception):
    """A name or a point that there is not."""


def parse(words, measures):
    """Raises Unknown or SyntaxError; names are measures and FUNCTIONS alone."""
    tree = ast.parse(words, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise Unknown(f"'{ast.unparse(node)}' is no comparison of measures")
        if isinstance(node, ast.Name) and node.id not in (*measures, *FUNCTIONS):
            raise Unknown(f"there is no measure '{node.id}' here; there are "
                          f"{', '.join(measures)}")
    return compile(tree, words, "eval")


class Table:
    """One measure. `values`: of each (series, x) the list of its repetitions."""

    def __init__(self, name, values, reduce):
        self.name, self.values, self.reduce = name, values, reduce

    def point(self, key):
        """(series, x) of what may be named shorter where there is only one."""
        series = list(dict.fromkeys(one for one, _ in self.values))
        swept = list(dict.fromkeys(x for _, x in self.values))
        candidates = [key] if isinstance(key, tuple) else []
        if len(swept) == 1:
            candidates.append((key, swept[0]))
        if len(series) == 1:
            candidates.append((series[0], key))
        for candidate in candidates:
            if candidate in self.values:
                return candidate
        raise Unknown(f"{self.name}[{key!r}]: no such point; there are "
                      + ", ".join(map(repr, self.values)))

    def __getitem__(self, key):
        return self.reduce(self.values[self.point(key)])


def evaluate(words, tables, during, counted):
    """`during(table, point, begin, end)` and `counted(point, host, program, counter)` are asked
    for what is in no table.
    """
    any_table = next(iter(tables.values()))

    def wins(table, one, other):
        pairs = list(zip(table.values[table.point(one)], table.values[table.point(other)]))
        return sum(a < b for a, b in pairs) / len(pairs)

    names = dict(tables, wins=wins, min=min, max=max, abs=abs,
                 during=lambda table, key, begin, end: during(table, table.point(key), begin, end),
                 counted=lambda key, *what: counted(any_table.point(key), *what))
    return eval(parse(words, tables), {"__builtins__": {}}, names)  # of what parse() let through


def check(words, measures, points):
    """As evaluate(), before anything was measured: are all names and points there?"""
    tables = {name: Table(name, {point: [1.0] for point in points}, lambda values: values[0])
              for name in measures}
    parse(words, measures)
    # Each part for itself: `and` would stop at the first that does not hold.
    for node in ast.walk(ast.parse(words, mode="eval")):
        if isinstance(node, (ast.Subscript, ast.Call)):
            evaluate(ast.unparse(node), tables, lambda table, point, begin, end: 1.0,
                     lambda point, host, program, counter: 1.0)
