#!/usr/bin/env python3
"""Statement of the standard -> code -> test, from the ids that the sources cite.

    scripts/conformance.py          writes docs/conformance.md
    scripts/conformance.py --check  fails where lists, sources and that page disagree

The statements are those of tests/conformance/mqtt5_*.tsv, in our own words. A source names one as
[MQTT-3.3.1-4], [U-3.3.1-1], [MQTT-3.3.1-6, 3.3.1-7] or [MQTT-3.3.1-5] to [MQTT-3.3.1-8]. What is
not tested says why in tests/conformance/exceptions.tsv.
"""
import collections
import csv
import pathlib
import re
import sys

LISTS = pathlib.Path("tests/conformance")
PAGE = pathlib.Path("docs/conformance.md")
VERSIONS = pathlib.Path("docs/versions.md")
VERSIONS_TESTS = pathlib.Path("tests/unit/core")
SUFFIXES = {".c", ".h", ".py", ".mjs", ".sh"}
SIDES = ("server", "client")

# Whose behaviour a test shows, by its folder. Those of wire and link, which both ends are made of,
# and those that run a broker and libwilco show both.
TESTED_SIDES = {
    "tests/unit/core": ("server",),
    "tests/unit/server": ("server",),
    "tests/support/support": ("server",),
    "tests/unit/client": ("client",),
    "tests/unit/net": ("server", "client"),
    "tests/unit/cli": ("client",),
}

NUMBER = r"\d+\.\d+(?:\.\d+)?-\d+"
CITED = re.compile(rf"\b(MQTT|U)-({NUMBER})((?:,\s*\*?\s*{NUMBER})*)")
RANGE = re.compile(rf"\[(MQTT|U)-(\d+\.\d+\.\d+)-(\d+)\]\s*\*?\s*to\s*\*?\s*\[\1-\2-(\d+)\]")
C_FUNCTION = re.compile(r"^([a-z]\w*)\(", re.M)
C_TABLE = re.compile(r"(\w+)\[\w*\] = ")
C_TEST = re.compile(r"^(\w+)\(void \*\*state\)", re.M)
SCRIPT_FUNCTION = re.compile(r"^\s*(?:def|class|function|async function) +(\w+)", re.M)

Site = collections.namedtuple("Site", "path name")


def read_tsv(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def statements():
    return {row["id"]: row for name in ("mqtt5_normative.tsv", "mqtt5_unnumbered.tsv")
            for row in read_tsv(LISTS / name)}


def exceptions():
    """(id, side) -> reason."""
    found = {}
    for row in read_tsv(LISTS / "exceptions.tsv"):
        for side in SIDES if row["side"] == "both" else (row["side"],):
            found[row["id"], side] = row["reason"]
    return found


def sources(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix in SUFFIXES and "node_modules" not in path.parts and path.is_file():
            yield path


def ids_in(text):
    """The ids that `text` names, each as often as it does."""
    for match in CITED.finditer(text):
        for number in re.findall(NUMBER, match.group(0)):
            yield f"{match.group(1)}-{number}"
    for match in RANGE.finditer(text):
        kind, section, first, last = match.groups()
        for number in range(int(first) + 1, int(last)):
            yield f"{kind}-{section}-{number}"


def c_pieces(text):
    """(name, text) of each function or table of a C file, with the comment in front of it. What
    stands in front of the first #include belongs to the file; its name is empty."""
    start = text.find("#include")
    piece = []
    yield "", text[:max(start, 0)]
    for line in text[max(start, 0):].splitlines(keepends=True):
        piece.append(line)
        if re.match(r"\}(?!.*\{$)", line):
            body = "".join(piece)
            named = C_FUNCTION.search(body) or C_TABLE.search(body)
            yield named.group(1) if named else "", body
            piece = []
    yield "", "".join(piece)


def script_pieces(text):
    starts = [0] + [match.start() for match in SCRIPT_FUNCTION.finditer(text)] + [len(text)]
    for begin, end in zip(starts, starts[1:]):
        named = SCRIPT_FUNCTION.match(text, begin)
        yield named.group(1) if named else "", text[begin:end]


def pieces_of(path, text):
    if path.suffix == ".c":
        return list(c_pieces(text))
    if path.suffix == ".h":
        return [("", text)]
    return list(script_pieces(text))


def reached_from(test, words):
    """Names of the pieces that `test` uses, itself or through others."""
    reached, waiting = set(), [test]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += words[name] & words.keys()
    return reached


def test_names(text, pieces):
    """Piece -> the first test that uses it. A piece that none uses is missing."""
    words = {name: set(re.findall(r"\w+", body)) for name, body in pieces if name}
    names = {}
    for test in C_TEST.findall(text):
        if test in words:
            for name in reached_from(test, words):
                names.setdefault(name, test)
            names[test] = test
    return names


def sites_in(path):
    """id -> the places of this file that name it."""
    text = path.read_text(encoding="utf-8")
    pieces = pieces_of(path, text)
    tests = test_names(text, pieces)
    found = collections.defaultdict(set)
    for name, body in pieces:
        for cited in ids_in(body):
            found[cited].add(Site(path, tests.get(name, name)))
    return found


def all_sites(folder):
    found = collections.defaultdict(set)
    for path in sources(folder):
        for cited, sites in sites_in(path).items():
            found[cited] |= sites
    return found


def tests_of(side, sites):
    return [site for site in sorted(sites)
            if side in TESTED_SIDES.get("/".join(site.path.parts[:3]), SIDES)]


def bound_sides(statement):
    return SIDES if statement["side"] == "both" else (statement["side"],)


def unknown_ids(known, *folders):
    for found in folders:
        for cited in sorted(found.keys() - known.keys()):
            for site in sorted(found[cited]):
                yield f"{site.path}: {cited} is no statement of tests/conformance"


def untested(known, tests, excused):
    for number, statement in known.items():
        for side in bound_sides(statement):
            is_tested = bool(tests_of(side, tests[number]))
            if not is_tested and (number, side) not in excused:
                yield f"{number} binds the {side} and no test of it names it: {statement['sentence']}"
            if is_tested and (number, side) in excused:
                yield f"{number}: a test of the {side} names it, so exceptions.tsv need not"


def bad_exceptions(known, excused):
    for number, side in excused:
        if number not in known or side not in bound_sides(known[number]):
            yield f"exceptions.tsv: {number} does not bind the {side}"


def shown(sites, folder):
    names = []
    for site in sorted(sites):
        path = site.path.relative_to(folder)
        names.append(f"`{path}`" + (f" {site.name}" if site.name else ""))
    return "<br>".join(names)


def shown_tests(number, statement, sites, excused):
    cell = [shown(sites, "tests")] if sites else []
    for side in bound_sides(statement):
        if (number, side) in excused:
            cell.append(f"*{side}: {excused[number, side]}*")
    return "<br>".join(cell)


def page(known, code, tests, excused):
    lines = [
        "# Conformance", "",
        "What MQTT 5.0 demands, in our own words, where we do it and which test shows it. Made by",
        "`scripts/conformance.py` from the ids that the sources cite; `make check` fails when a",
        "statement that binds us has no test. Ids that begin with `U-` are ours, for what the standard",
        "says without a number. Files are below `src/` and `tests/`. MQTT 3.1.1 and 3.1:",
        "[versions.md](versions.md).", "",
        "| statement | | binds | code | tests |", "| --- | --- | --- | --- | --- |",
    ]
    for number, statement in known.items():
        cells = [number, statement["sentence"].replace("|", "\\|"), statement["side"],
                 shown(code[number], "src"), shown_tests(number, statement, tests[number], excused)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def missing_tests(text):
    """The tests that docs/versions.md names as `test_x.c` test_a, test_b and that do not exist."""
    for name, functions in re.findall(r"`([\w./]+\.c)`((?:,? \w+)*)", text):
        path = VERSIONS_TESTS / name
        known = C_TEST.findall(path.read_text(encoding="utf-8")) if path.exists() else []
        for function in re.findall(r"\w+", functions) or ([] if path.exists() else ["it"]):
            if function not in known:
                yield f"{VERSIONS}: {name} has no {function}"


def complaints(known, code, tests, excused):
    found = [*unknown_ids(known, code, tests), *bad_exceptions(known, excused),
             *untested(known, tests, excused), *missing_tests(VERSIONS.read_text(encoding="utf-8"))]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(known, code, tests, excused):
        found.append(f"{PAGE} is not up to date: scripts/conformance.py makes it")
    return found


def main(arguments):
    known, code, tests, excused = statements(), all_sites("src"), all_sites("tests"), exceptions()
    if "--check" not in arguments:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(known, code, tests, excused), encoding="utf-8")
        return 0
    found = complaints(known, code, tests, excused)
    print(f"{len(known)} statements, {len(excused)} exceptions")
    print("".join(f"{complaint}\n" for complaint in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
