#!/usr/bin/env python3
"""Every setting of src/broker/core/settings.h is set by a unit test, as settings.NAME or as text
NAME=VALUE. Names those that are not.

    tests/settings_are_tested.py
"""
import pathlib
import re
import sys

TABLE = pathlib.Path("src/broker/core/settings.h")
TESTS = pathlib.Path("tests/unit")


def main():
    names = re.findall(r"^\s*X\((\w+),", TABLE.read_text(encoding="utf-8"), re.M)
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TESTS.rglob("*.c")))
    missing = [name for name in names
               if not re.search(rf'(?:settings|limits)(?:\.|->){name} = |"{name}=\d', tests)]
    for name in missing:
        print(f"{TABLE}: no test sets {name}")
    if not names:
        print(f"{TABLE}: no settings found")
    return 1 if missing or not names else 0


if __name__ == "__main__":
    sys.exit(main())
