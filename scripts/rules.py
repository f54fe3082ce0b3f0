#!/usr/bin/env python3
"""What no compiler checks: forbidden functions, includes that leave their layer's view, circles of
includes, and paths of one particular machine. Prints one line for each breach.

    scripts/rules.py
"""
import pathlib
import re
import sys

C_FOLDERS = ("include", "src", "tests", "examples", "bench")
MADE = {pathlib.Path("bench/report.json")}  # by `make bench`; names the programs that it ran
TEXT_SUFFIXES = {".c", ".h", ".md", ".txt", ".cmake", ".json", ".sh", ".py", ".js", ".conf", ".service"}

# Functions that cannot be told how much room there is, that hide errors, or that hide state.
BANNED = ("alloca atof atoi atol atoll gets longjmp rand rand_r random scanf setjmp sprintf srand "
          "stpcpy strcat strcpy strncat strncpy strtok vsprintf").split()
# Where memory comes from an allocator that was given at birth (base/alloc.h).
ALLOCATED = ("src/wire", "src/link", "src/net", "src/client", "src/broker")
MALLOC = "calloc free malloc realloc strdup strndup".split()

COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
MACHINE_PATH = re.compile(r"(?<![\w.$}*])/(?:home|root|work|Users|mnt)/\w")


def c_files():
    for folder in C_FOLDERS:
        for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            if "node_modules" not in path.parts:
                yield path


def code_of(text):
    """`text` with comments and literals blanked, line numbers kept."""
    return COMMENT_OR_TEXT.sub(lambda m: '""' + "\n" * m.group().count("\n"), text)


def calls(code, names):
    for match in re.finditer(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(", code):
        yield code.count("\n", 0, match.start()) + 1, match.group(1)


def banned_calls(path, text):
    code = code_of(text)
    for line, name in calls(code, BANNED):
        yield f"{path}:{line}: {name}() is banned"
    if str(path).startswith(ALLOCATED):
        for line, name in calls(code, MALLOC):
            yield f"{path}:{line}: {name}() goes around the allocator (base/alloc.h)"


def includes(path, text):
    for name in INCLUDE.findall(text):
        if ".." in pathlib.PurePosixPath(name).parts:
            yield f'{path}: #include "{name}" leaves the view of its layer'


def header_graph(texts):
    """Which header of src/ includes which."""
    graph = {}
    for path, text in texts.items():
        if path.parts[0] == "src" and path.suffix == ".h":
            graph[str(path.relative_to("src"))] = set(INCLUDE.findall(text))
    return {header: named & graph.keys() for header, named in graph.items()}


def circles(graph):
    """Peels off the headers that include nothing that is left, until only circles are left."""
    while True:
        done = {header for header, named in graph.items() if not named}
        if not done:
            break
        graph = {h: named - done for h, named in graph.items() if h not in done}
    for header in sorted(set().union(*graph.values())):
        yield f"src/{header}: in a circle of includes with {', '.join(sorted(graph[header]))}"


def machine_paths(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield f"{path}:{number}: a path of one machine"


def text_files():
    for path in sorted(pathlib.Path(".").rglob("*")):
        if path.parts[0] in ("build", ".git") or "node_modules" in path.parts:
            continue
        if path.is_file() and path.suffix in TEXT_SUFFIXES and path not in MADE:
            yield path


def main():
    texts = {path: path.read_text(encoding="utf-8") for path in c_files()}
    breaches = list(circles(header_graph(texts)))
    for path, text in texts.items():
        breaches += banned_calls(path, text)
        breaches += includes(path, text)
    for path in text_files():
        breaches += machine_paths(path, path.read_text(encoding="utf-8", errors="replace"))
    print(f"{len(texts)} files")
    print("".join(f"{breach}\n" for breach in breaches), end="")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
