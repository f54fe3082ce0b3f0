#!/usr/bin/env python3
"""Counts what the broker spends on requests and messages, and compares it with what was recorded. Nothing is
timed: the same broker costs the same on a busy machine, and on a slow one.

    tests/cost/cost.py [--build build/strict] [--record] [SCENARIO...]
"""
import argparse
import pathlib
import platform
import re
import shutil
import subprocess
import sys

from broker import Broker
from ceilings import COLUMNS, FORMATS, MADE_WITH, Ceilings, change, compare, parse, title, unparse
from client import CostError
from scenarios import SCENARIOS

TABLE = pathlib.Path(__file__).resolve().with_name("ceilings.tsv")


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def made_with(build):
    """What instructions depend on, beside the sources."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache, re.M)[1]
    mimalloc = re.search(r"=> (\S*libmimalloc\S*)", said_by("ldd", build / "wilco"))
    allocator = pathlib.Path(mimalloc[1]).resolve().name if mimalloc else "malloc of libc"
    version = said_by(compiler, "--version").splitlines()[0].split(" ", 1)[1]  # without its own name: cc, gcc
    return "; ".join((f"compiler {version}", " ".join(platform.libc_ver()), allocator,
                      said_by("valgrind", "--version").strip(), platform.machine()))


def measure(build, scenario):
    with Broker(build, scenario.name, scenario.rules) as broker:
        crowd = scenario.kind(broker.port, **scenario.options)
        for _ in range(scenario.warm_up):
            crowd.step()
        broker.start_counting()
        for _ in range(scenario.steps):
            crowd.step()
        return broker.stop_counting(scenario.steps * crowd.things)


def cells(now, was):
    for column in COLUMNS:
        text = FORMATS[column].format(now[column])
        yield f"{text:>10} {changed_text(was[column], now[column]) if was else 'new':>7}"


def changed_text(was, now):
    text = f"{change(was, now):+.1%}"
    return "=" if text in ("+0.0%", "-0.0%") else text


def measure_all(build, names, recorded):
    """A table on standard output that grows row by row; what it says, for comparing."""
    rows = {}
    print(f"{'':28}" + "".join(f"{title(column):>18}" for column in COLUMNS))
    for scenario in (s for s in SCENARIOS if not names or s.name in names):
        cost = measure(build, scenario)
        rows[scenario.name] = {column: getattr(cost, column) for column in COLUMNS}
        print(f"{scenario.name:28}" + "".join(cells(rows[scenario.name], recorded.rows.get(scenario.name))),
              flush=True)
    return rows


def judge(build, recorded, found):
    failures, hints = compare(recorded, found)
    if recorded.made_with != found.made_with:
        print(f"cost: instructions are not compared: recorded with {recorded.made_with or 'nothing'}, "
              f"this is {found.made_with}")
    for sentence in hints:
        print(f"cost: much less than recorded; to keep it so, make cost RECORD=1: {sentence}")
    for sentence in failures:
        print(f"cost: FAILED: {sentence}")
    if failures:
        print(f"cost: where it goes: callgrind_annotate {build}/cost/SCENARIO.callgrind.1, and system calls in "
              f"SCENARIO.calls; CONTRIBUTING.md says what to do")
    return 1 if failures else 0


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default="build/strict", help="folder of an optimised build")
    parser.add_argument("--record", action="store_true", help="write tests/cost/ceilings.tsv")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="all, if none is named")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - {scenario.name for scenario in SCENARIOS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if arguments.record and arguments.scenarios:
        parser.error("--record records all scenarios")
    return arguments


def main():
    arguments = read_arguments()
    build = arguments.build.resolve()
    if not shutil.which("valgrind") or not (build / "lab.so").exists():
        print("cost: valgrind, or what is built with its headers, is missing: make setup cost", file=sys.stderr)
        return 1
    recorded = parse(TABLE.read_text(encoding="utf-8") if TABLE.exists() else "")
    try:
        found = Ceilings(made_with(build), measure_all(build, arguments.scenarios, recorded))
    except (CostError, OSError) as error:
        print(f"cost: {error}", file=sys.stderr)
        return 1
    if arguments.record:
        TABLE.write_text(unparse(found), encoding="utf-8")
        return 0
    if arguments.scenarios:
        recorded = Ceilings(recorded.made_with, {name: row for name, row in recorded.rows.items()
                                                 if name in found.rows})
    return judge(arguments.build, recorded, found)


if __name__ == "__main__":
    sys.exit(main())
