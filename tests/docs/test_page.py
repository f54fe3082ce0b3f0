"""Tries what a page shows, in an empty folder: the commands in the order of the page, the files and the programs.

    test_page.py PAGE

WILCO is the tool, LIBRARY the folder of libwilco, CC the compiler and CC_FLAGS what sanitizers need.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from page import blocks_of, body_lines, commands_of
from terminal import WAIT_S, Terminal, same_each_time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SNIPPET = "/* SNIPPET */\n"
PIECES = "console sh c python text".split()
PORTS = ("1883", "1884")  # of pages, for which others stand here
DEFAULT_TERMINAL = "shell"
PKG_CONFIG = """Name: wilco
Description: the build that is tested
Version: 0
Cflags: -I{root}/include
Libs: -L{library} -lwilco -Wl,-rpath,{library}
"""
# cc as a careful user would have it; the tool, at a port where nobody else listens.
COMPILER = '#!/bin/sh\nexec {cc} -std=c17 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror "$@" {flags}\n'
TOOL = """#!/bin/sh
if [ "$*" = broker ]; then exec {wilco} broker --listen mqtt://127.0.0.1:{port} --shards 2; fi
exec {wilco} "$@"
"""


def free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


class Trial:
    """A folder in which a page is tried."""

    def __init__(self, folder, page_name):
        self.folder = pathlib.Path(folder)
        self.page_name = page_name
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        port = self.ports[PORTS[0]]
        self.terminals = {}
        self.programs = {}
        self.write("bin/cc", COMPILER.format(cc=os.environ.get("CC", "gcc"), flags=os.environ.get("CC_FLAGS", "")))
        self.write("bin/wilco", TOOL.format(wilco=os.environ["WILCO"], port=port))
        self.write("pkg/wilco.pc", PKG_CONFIG.format(root=ROOT, library=os.environ["LIBRARY"]))
        for client in ("pub", "sub", "rr"):
            self.write(f"config/mosquitto_{client}", f"-p {port}\n")
        self.write("bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        for name in ("bin/cc", "bin/wilco", "bin/python3"):
            (self.folder / name).chmod(0o755)
        (self.folder / "page").mkdir()
        self.environment = os.environ | {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin",
            "PKG_CONFIG_PATH": f"{self.folder}/pkg",
            "XDG_CONFIG_HOME": f"{self.folder}/config",
            "WILCO_URL": f"mqtt://127.0.0.1:{port}",
        }

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def quietly(self, *command):
        """Runs a program of ours to its end; what it wrote, which is a failure unless it ends well."""
        done = subprocess.run(
            command, cwd=self.folder / "page", env=self.environment, stdin=subprocess.DEVNULL, timeout=WAIT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        text = done.stdout.decode("utf-8", "backslashreplace")
        if done.returncode != 0:
            raise AssertionError(f"{command[0]}: exit code {done.returncode}\n{text}")
        return text

    def build(self, source, name):
        flags = self.quietly("pkg-config", "--cflags", "--libs", "wilco").split()
        program = str(self.folder / name)
        self.quietly("cc", f"-I{HERE}/frames", str(source), "-o", program, *flags, "-pthread")
        return program

    def terminal(self, block):
        name = block.directives.get("terminal", DEFAULT_TERMINAL)
        if name not in self.terminals:
            self.terminals[name] = Terminal(self.folder / "page", self.environment, self.ports)
        return self.terminals[name]

    # ---- Blocks, by language ----

    def try_console(self, block, _rest):
        terminal = self.terminal(block)
        commands = commands_of(block.lines)
        terminal.expect(commands[0][1])
        for command, output in commands[1:]:
            stays = "stays" in block.directives and command is commands[-1][0]
            terminal.run(command, output, ends=not stays)

    def try_sh(self, block, _rest):
        self.quietly("sh", "-ec", block.text())

    def try_python(self, block, _rest):
        text = block.text()
        for shown, port in self.ports.items():
            text = text.replace(shown, port)
        self.write(f"page/{block.directives['file']}", text)

    def try_text(self, block, _rest):
        """A file, or what the program above wrote: that has been compared."""
        if "file" in block.directives:
            self.write(f"page/{block.directives['file']}", block.text())

    def try_c(self, block, rest):
        text = f'#line {block.line} "{self.page_name}"\n{block.text()}'
        if "frame" in block.directives:
            self.try_framed(block.directives["frame"], text, rest)
            return
        source = self.write(f"page/{block.directives['file']}", block.text())
        self.build(self.write("whole.c", text), "whole")
        longest = int(block.directives.get("body_max", sys.maxsize))
        if body_lines(block.text()) > longest:
            raise AssertionError(f"{source.name}: {body_lines(block.text())} lines, not {longest}")

    def try_framed(self, name, text, rest):
        """Pieces of one frame make one program, which runs when the last of them is there; text behind that is what it writes."""
        self.programs[name] = self.programs.get(name, "") + text
        if any(other.directives.get("frame") == name for other in rest):
            return
        before, after = (HERE / "frames" / f"{name}.c").read_text(encoding="utf-8").split(SNIPPET)
        line = before.count("\n") + 2
        source = self.write("framed.c", f'{before}{self.programs[name]}#line {line} "frames/{name}.c"\n{after}')
        got = self.quietly(self.build(source, "framed")).splitlines()
        shown = rest[0].lines if rest and rest[0].language == "text" else None
        if shown is not None and [*map(same_each_time, got)] != [*map(same_each_time, shown)]:
            raise AssertionError(f"{name} wrote:\n" + "\n".join(got))

    def run(self, blocks):
        for number, block in enumerate(blocks):
            if "skip" in block.directives:
                continue
            if block.language not in PIECES:
                raise AssertionError(f"{self.page_name}:{block.line}: what is ```{block.language}?")
            try:
                getattr(self, f"try_{block.language}")(block, blocks[number + 1 :])
            except (AssertionError, subprocess.TimeoutExpired) as failed:
                raise AssertionError(f"{self.page_name}:{block.line}: {failed}") from None

    def close(self):
        for terminal in reversed(self.terminals.values()):
            terminal.close()


def try_page(path, name):
    """How many blocks it has; AssertionError when the page says what is not so."""
    blocks = blocks_of(pathlib.Path(path).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(folder, name)
        try:
            trial.run(blocks)
        finally:
            trial.close()
    return len(blocks)


def main():
    page = sys.argv[1]
    try:
        print(f"{page}: {try_page(ROOT / page, page)} blocks are as it says")
    except AssertionError as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
