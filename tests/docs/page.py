"""What of a page in Markdown can be tried: its blocks of code, and what is said about them where readers do not see it.

A comment directly above a block says how to try it, as `<!-- name: value, name: value -->`:

    file      the block is a file of this name, which the commands of the page use
    body_max  so many lines at most may its functions have, empty ones not counted
    frame     the block is a piece of the program tests/docs/frames/NAME.c, in the place of its line SNIPPET
    terminal  the block is what one sees in the terminal of this name
    stays     the block's last command does not end
    skip      the block is not tried, for this reason
"""

import dataclasses
import re

FENCE = re.compile(r"^```(\w*)$")
DIRECTIVE = re.compile(r"^<!-- (\w+: .*) -->$")
NAMES = {"file", "body_max", "frame", "terminal", "stays", "skip"}


@dataclasses.dataclass
class Block:
    language: str
    line: int  # of its first line
    lines: list
    directives: dict

    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


def directives_of(line):
    match = DIRECTIVE.match(line)
    found = dict(pair.split(": ", 1) for pair in match[1].split(", ")) if match else {}
    if found.keys() - NAMES:
        raise ValueError(f"unknown: {found.keys() - NAMES}")
    return found


def blocks_of(text):
    lines = text.splitlines()
    blocks, above, at = [], "", 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if not fence:
            above = lines[at]
            at += 1
            continue
        end = lines.index("```", at + 1)
        blocks.append(Block(fence[1], at + 2, lines[at + 1 : end], directives_of(above)))
        above, at = "", end + 1
    return blocks


def body_lines(source):
    """How many lines the bodies of its functions have, empty ones not counted."""
    bodies = re.findall(r"^\{\n(.*?)^\}$", source, re.M | re.S)
    return sum(1 for body in bodies for line in body.splitlines() if line.strip())


def commands_of(lines):
    """(command, lines of its output) for each "$ " of a console; first ("", lines) for what comes before any."""
    found = [("", [])]
    goes_on = False
    for line in lines:
        command, output = found[-1]
        if goes_on:
            found[-1] = (f"{command}\n{line.removeprefix('> ')}", output)
        elif line.startswith("$ "):
            found.append((line[2:], []))
        else:
            output.append(line)
            continue
        goes_on = found[-1][0].endswith("\\")
    return found
