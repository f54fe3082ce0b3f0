#!/usr/bin/env python3
"""Looks into programs and shared libraries for what a hardened build must have in them, with readelf, and names
what is missing.

    tests/packaging/hardening.py build/strict/wilco build/strict/libwilco.so
"""
import platform
import re
import subprocess
import sys

COMPILED_WITH = ("-fstack-protector-strong", "-fstack-clash-protection", "-ftrivial-auto-var-init=zero")
COMPILED_WITH_ON_X86 = ("-fcf-protection=full",)
FORTIFIED_MIN = 3  # functions with a check in them that must be imported


def readelf(*arguments):
    done = subprocess.run(("readelf", "-W", *arguments), capture_output=True, text=True, check=True)
    return done.stdout


def segments(path):
    """(type, flags) of each, flags without spaces."""
    row = re.compile(r"^  ([A-Z_]+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([R ][W ][E ])", re.M)
    return [(kind, flags.replace(" ", "")) for kind, flags in row.findall(readelf("--segments", path))]


def segment_faults(path):
    found = segments(path)
    stack = [flags for kind, flags in found if kind == "GNU_STACK"]
    if not found or not stack:
        yield "it does not say what its stack may be: linked without -z noexecstack"
    if any("E" in flags for flags in stack):
        yield "its stack is executable"
    if any("W" in flags and "E" in flags for kind, flags in found if kind == "LOAD"):
        yield "it has memory that is writable and executable"
    if not any(kind == "GNU_RELRO" for kind, flags in found):
        yield "its tables stay writable: linked without -z relro"


def linking_faults(path, is_program):
    dynamic = readelf("--dynamic", path)
    if not re.search(r"\((FLAGS|FLAGS_1)\).*\b(BIND_NOW|NOW)\b", dynamic):
        yield "its functions are looked up late: linked without -z now"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "it remembers a folder of libraries: RPATH"
    if re.search(r"\(TEXTREL\)|\bTEXTREL\b", dynamic):
        yield "its code is written to when it is loaded: TEXTREL"
    if is_program and not re.search(r"\(FLAGS_1\).*\bPIE\b", dynamic):
        yield "it is always loaded to the same place: no PIE"


def symbol_faults(path):
    names = set(re.findall(r"UND (\w+)", readelf("--dyn-syms", path)))
    fortified = sorted(name for name in names if name.endswith("_chk"))
    if "__stack_chk_fail" not in names:
        yield "no function checks its stack: compiled without -fstack-protector-strong"
    if len(fortified) < FORTIFIED_MIN:
        yield f"few fortified functions ({', '.join(fortified) or 'none'}): compiled without _FORTIFY_SOURCE"


def compiler_faults(path):
    """What the compiler has written down of its options, for each source file."""
    producers = set(re.findall(r"DW_AT_producer\s*: .*?(GNU C\d\d .*)", readelf("--debug-dump=info", path)))
    wanted = COMPILED_WITH + (COMPILED_WITH_ON_X86 if platform.machine() == "x86_64" else ())
    if not producers:
        yield "it does not say how it was compiled: without -g, or not by gcc"
    for option in wanted:
        if any(option not in producer.split() for producer in producers):
            yield f"something in it was compiled without {option}"


def first_bytes(path, name):
    """Of a function, by its symbol."""
    symbol = re.search(rf"^ *\d+: (\w+) +\d+ FUNC +\w+ +\w+ +\w+ {re.escape(name)}(?:@|$)",
                       readelf("--syms", path), re.M)
    if not symbol:
        return None
    done = subprocess.run(("objdump", "-d", "--no-show-raw-insn", f"--start-address=0x{symbol[1]}",
                           f"--stop-address={int(symbol[1], 16) + 4}", path),
                          capture_output=True, text=True, check=True)
    return done.stdout


def landing_faults(path, is_program):
    """Indirect jumps land where a function begins."""
    if platform.machine() != "x86_64":
        return
    for name in ("main",) if is_program else ("wilco_open", "wilco_close"):
        code = first_bytes(path, name)
        if code is not None and "endbr64" not in code:
            yield f"{name}() does not begin with endbr64"


def faults(path):
    is_program = bool(re.search(r"\bINTERP\b", readelf("--segments", path)))
    yield from segment_faults(path)
    yield from linking_faults(path, is_program)
    yield from symbol_faults(path)
    yield from compiler_faults(path)
    yield from landing_faults(path, is_program)


def main():
    failed = False
    for path in sys.argv[1:]:
        for fault in faults(path):
            print(f"hardening: {path}: {fault}")
            failed = True
    if len(sys.argv) == 1:
        print(__doc__)
    return 1 if failed or len(sys.argv) == 1 else 0


if __name__ == "__main__":
    sys.exit(main())
