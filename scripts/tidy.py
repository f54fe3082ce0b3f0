#!/usr/bin/env python3
"""Runs clang-tidy over the files of a compile database, as many at once as there are processors.

A file that passed is not checked again until it, a header of ours that it includes, its flags or
the rules change: an empty file named after the hash of all that remembers it.

    scripts/tidy.py build/lint src include
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

RULES = pathlib.Path(".clang-tidy")


def own_headers_of(command, directory):
    """The file and the headers it includes, system headers left out, as the compiler sees them."""
    words = shlex.split(command)
    del words[words.index("-o"):words.index("-o") + 2]
    words.remove("-c")
    if os.path.basename(words[0]) == "ccache":
        del words[0]
    rule = subprocess.run(words + ["-MM", "-MF", "-"], cwd=directory, capture_output=True,
                          text=True, check=False)
    return rule.stdout.replace("\\\n", " ").split()[1:]


def fingerprint(entry, version):
    digest = hashlib.sha256(version + RULES.read_bytes() + entry["command"].encode())
    for name in own_headers_of(entry["command"], entry["directory"]):
        digest.update(pathlib.Path(entry["directory"], name).read_bytes())
    return digest.hexdigest()


def check(entry, build, version):
    """One of "unchanged", "checked" and the complaints."""
    passed = pathlib.Path(build, "tidy", fingerprint(entry, version))
    if passed.exists():
        return "unchanged"
    run = subprocess.run(["clang-tidy", "--quiet", "-p", build, entry["file"]],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return f"{run.stdout}{run.stderr}"
    passed.touch()
    return "checked"


def main():
    build, *folders = sys.argv[1:]
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    wanted = tuple(str(pathlib.Path(folder).resolve()) + "/" for folder in folders)
    database = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    entries = {e["file"]: e for e in database if e["file"].startswith(wanted)}.values()
    pathlib.Path(build, "tidy").mkdir(exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda e: check(e, build, version), entries))
    complaints = [r for r in results if r not in ("unchanged", "checked")]
    print(f"{len(results)} files, {results.count('unchanged')} unchanged since they passed")
    print("\n".join(complaints), end="")
    return 1 if complaints or not results else 0


if __name__ == "__main__":
    sys.exit(main())
