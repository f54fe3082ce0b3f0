#!/usr/bin/env python3
"""Every attack of attacks.tsv names tests that exist, or says why there are none.

    tests/attacks/check.py
"""
import pathlib
import re
import sys

TABLE = pathlib.Path("tests/attacks/attacks.tsv")


def problem_with(reference):
    path, _, name = reference.partition(":")
    if not pathlib.Path(path).is_file():
        return f"there is no {path}"
    text = pathlib.Path(path).read_text(encoding="utf-8")
    return None if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) else f"no {name} in {path}"


def problems_of(line, number):
    columns = line.split("\t")
    if len(columns) != 3 or not all(columns):
        return [f"{TABLE}:{number}: not three columns"]
    if columns[2].startswith("not there"):
        return []
    found = (problem_with(reference) for reference in columns[2].split())
    return [f"{TABLE}:{number}: {columns[1]}: {problem}" for problem in found if problem]


def main():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [(line, i) for i, line in enumerate(lines, 1) if not line.startswith("#")]
    problems = [problem for line, i in rows for problem in problems_of(line, i)]
    print("\n".join(problems) or f"{len(rows)} attacks have their tests")
    return 1 if problems or len(rows) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
