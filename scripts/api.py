#!/usr/bin/env python3
"""Makes the reference of libwilco from its headers: docs/api.md, and man pages of section 3.

A header is read as it is written: the first comment says what the header is for, a comment directly above
declarations belongs to all of them up to the next comment or empty line, one that begins with "..." goes on
with the one before, and `/* ---- Title ---- */` begins a part.

    scripts/api.py               writes docs/api.md
    scripts/api.py --check       fails when that is out of date, or when something public has no comment
    scripts/api.py --man FOLDER  writes the man pages
"""
import dataclasses
import itertools
import pathlib
import re
import sys

HEADERS = pathlib.Path("include/wilco")
PAGE = pathlib.Path("docs/api.md")
# As one reads them; what is not named here follows.
ORDER = ("wilco", "client", "request", "respond", "publish", "message", "loop", "status")
INTERNAL = {"WILCO_API"}  # how a function is exported is not for users
API = "WILCO_API "

C_ONLY = re.compile(r"#ifdef __cplusplus\n(?:.*?\n)??(?:#else\n(.*?\n))?#endif\n", re.S)
EXPORT = re.compile(r"#if defined\(WILCO_BUILD\)\n.*?#endif\n", re.S)
GUARD = re.compile(r"\A#ifndef \w+\n#define \w+\n(.*)#endif\n\Z", re.S)
PART = re.compile(r"---- (.*?) ----\s*(.*)", re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
CODE_INDENT = "    "


@dataclasses.dataclass
class Declaration:
    code: str
    name: str
    kind: str  # "function", "callback", "struct", "enum" or "macro"
    line: int

    def title(self):
        return {"function": f"{self.name}()", "struct": f"struct {self.name}",
                "enum": f"enum {self.name}"}.get(self.kind, self.name)

    def anchor(self):
        """A struct and a function may have one name."""
        return f"{self.kind}_{self.name}" if self.kind in ("struct", "enum") else self.name


@dataclasses.dataclass
class Group:
    """Declarations that share a comment; without declarations: a part of the header."""
    text: str = ""
    title: str = ""
    declarations: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Header:
    name: str
    about: str = ""
    groups: list = dataclasses.field(default_factory=list)

    def declarations(self):
        return [d for group in self.groups for d in group.declarations]


# ---- Reading ----

def blanked(text, pattern, keep=None):
    """`text` with what matches taken out, but for the group `keep`; line numbers stay."""
    def lines(match):
        kept = (match.group(keep) or "") if keep else ""
        return kept + "\n" * (match.group().count("\n") - kept.count("\n"))
    return pattern.sub(lines, text)


def comment_text(lines):
    """What a comment says: no stars, indented lines still indented."""
    text = "\n".join(lines).strip().removeprefix("/*").removesuffix("*/")
    return "\n".join(re.sub(r"^ \* ?", "", line).rstrip() for line in text.split("\n")).strip()


def declaration(code, line):
    bare = COMMENT.sub("", code).removeprefix(API)
    if code.startswith("#"):
        return Declaration(code, re.match(r"#\s*define\s+(\w+)", code)[1], "macro", line)
    tagged = re.match(r"(struct|enum)\s+(\w+)\s*[{;]", bare)
    if tagged:
        return Declaration(code, tagged[2], tagged[1], line)
    kind = "callback" if bare.startswith("typedef") else "function"
    return Declaration(without_api(code), re.search(r"(\w+)\s*\(", bare)[1], kind, line)


def without_api(code):
    """The declaration without what exports it, and continued lines still below their parenthesis."""
    if not code.startswith(API):
        return code
    first, *rest = code.removeprefix(API).split("\n")
    if all(line.startswith(" " * len(API)) for line in rest):
        rest = [line[len(API):] for line in rest]
    return "\n".join([first, *rest])


def is_whole(code):
    bare = COMMENT.sub("", code).strip()
    if bare.startswith("#"):
        return not bare.endswith("\\")
    return "/*" not in bare and bare.endswith(";") and bare.count("{") == bare.count("}")


def pieces(text):
    """(line, piece) for each comment, declaration and empty line (a piece that is "") of a header."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        first = at
        at += 1
        if lines[first].startswith("/*"):
            while "*/" not in lines[at - 1]:
                at += 1
        elif lines[first] and not lines[first].startswith("#include"):
            while not is_whole("\n".join(lines[first:at])):
                at += 1
        elif lines[first]:
            continue
        yield first + 1, "\n".join(lines[first:at])


class Reader:
    """Puts pieces together to groups."""

    def __init__(self, header):
        self.header = header
        self.group = None

    def comment(self, text):
        part = PART.match(text)
        if part:
            self.header.groups.append(Group(text=part[2], title=part[1]))
            self.group = None
        elif text.startswith("...") and self.header.groups:
            self.group = self.header.groups[-1]
            self.group.text = self.group.text.removesuffix(" ...") + " " + text
        else:
            self.group = Group(text=text)
            self.header.groups.append(self.group)

    def declaration(self, found):
        if found.name in INTERNAL:
            return
        if self.group is None:
            self.group = Group()
            self.header.groups.append(self.group)
        self.group.declarations.append(found)

    def gap(self):
        """A comment with nothing below it says what the header is for."""
        if self.group is not None and not self.group.declarations:
            self.header.groups.remove(self.group)
            self.header.about = f"{self.header.about}\n\n{self.group.text}".strip()
        self.group = None


def read_header(path):
    header = Header(path.stem)
    reader = Reader(header)
    text = GUARD.sub(r"\n\n\1", path.read_text(encoding="utf-8"))
    for line, piece in pieces(blanked(blanked(text, EXPORT), C_ONLY, keep=1)):
        if not piece:
            reader.gap()
        elif piece.startswith("/*"):
            reader.comment(comment_text(piece.split("\n")))
        else:
            piece = re.sub(r"^#\s+define", "#define", piece)
            reader.declaration(declaration(piece, line))
    reader.gap()
    return header


def read_headers():
    def place(path):
        return (ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem)
    return [read_header(path) for path in sorted(HEADERS.glob("*.h"), key=place)]


def paragraphs(text):
    """(is code, lines) for each paragraph of a comment; code may have empty lines."""
    for is_code, piece in itertools.groupby(text.split("\n\n"), lambda piece: piece.startswith(CODE_INDENT)):
        for paragraph in ["\n\n".join(piece)] if is_code else piece:
            yield is_code, [line.removeprefix(CODE_INDENT) for line in paragraph.split("\n")]


# ---- docs/api.md ----

def linked(text, known):
    """Prose with its names as links, as `known` says by title or name; what is between backticks stays as it is."""
    def name(match):
        anchor = known.get(match.group()) or known.get(match.group(1))
        return f"[{match.group()}](#{anchor})" if anchor else match.group()
    words = text.split("`")
    for i in range(0, len(words), 2):
        words[i] = re.sub(r"([*<\[])", r"\\\1", words[i])
        words[i] = re.sub(r"\b(wilco_\w+)(?:\(\))?", name, words[i])
    return "`".join(words)


def prose(text, known):
    blocks = []
    for is_code, lines in paragraphs(text):
        if is_code:
            blocks += ["```c", *lines, "```", ""]
        else:
            blocks += [linked("\n".join(lines), known), ""]
    return blocks


def group_page(group, known):
    if not group.declarations:
        return [f"### {group.title}", "", *(prose(group.text, known) if group.text else [])]
    names = "".join(f'<a id="{d.anchor()}"></a>' for d in group.declarations)
    titles = ", ".join(f"`{d.title()}`" for d in group.declarations)
    code = "\n".join(d.code for d in group.declarations)
    own = {d.anchor() for d in group.declarations}
    others = {name: anchor for name, anchor in known.items() if anchor not in own}
    return [f"#### {names}{titles}", "", "```c", code, "```", "", *prose(group.text, others)]


def index(headers):
    lines = ["| header | names |", "| --- | --- |"]
    for header in headers:
        links = ", ".join(f"[{d.title()}](#{d.anchor()})" for d in header.declarations())
        lines.append(f"| [wilco/{header.name}.h](#wilco{header.name}h) | {links or 'all of them'} |")
    return lines


def page(headers):
    declared = [found for header in headers for found in header.declarations()]
    known = {key: found.anchor() for found in declared for key in (found.name, found.title())}
    lines = ["# libwilco", "",
             "Every public name of the C library. Made by `scripts/api.py` from the headers in `include/wilco/`, which are",
             "the manual; `man wilco` and `man wilco_request` say the same. [tutorial.md](tutorial.md) is the way in,",
             "[cookbook.md](cookbook.md) has a recipe for each task.", "", *index(headers), ""]
    for header in headers:
        lines += [f"## wilco/{header.name}.h", "", *(prose(header.about, known) if header.about else [])]
        for group in header.groups:
            lines += group_page(group, known)
    return "\n".join(lines).rstrip() + "\n"


# ---- Man pages ----

def roff(text):
    """A line of text in which nothing is a command of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti").replace("^", "\\(ha")
    text = re.sub(r"^\.", r"\\&.", text)
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)


def roff_code(lines):
    return [".PP", ".nf", ".RS 4", *(roff(line.replace("`", "\\(ga")) for line in lines), ".RE", ".fi"]


def roff_prose(text):
    lines = []
    for is_code, paragraph in paragraphs(text):
        if is_code:
            lines += roff_code(paragraph)
        else:
            lines += [".PP", *(roff(line) for line in paragraph)]
    return lines


def roff_group(group):
    if not group.declarations:
        return roff_prose(group.text) if group.text else []
    titles = ", ".join(d.title() for d in group.declarations)
    code = "\n".join(d.code for d in group.declarations).replace("`", "'")
    return [f".SS {roff(titles)}", *roff_code(code.split("\n")), *roff_prose(group.text)]


def summary(header):
    """The first sentence of what is said, as NAME has it."""
    said = header.about or header.groups[0].text
    sentence = re.split(r"\.(?:\s|$)", said.replace("\n", " "))[0]
    return roff(sentence[0].lower() + sentence[1:])


def page_name(header):
    return "wilco" if header.name == "wilco" else f"wilco_{header.name}"


def man_page(header, headers, version):
    name = page_name(header)
    functions = [d.name for d in header.declarations() if d.kind == "function"]
    named = ", ".join(dict.fromkeys([name, *functions]))
    others = [page_name(other) for other in headers if other is not header]
    lines = [f'.TH {name.upper()} 3 "" "Wilco {version}" "Wilco"', ".SH NAME", f"{roff(named)} \\- {summary(header)}",
             ".SH SYNOPSIS", ".nf", f"#include <wilco/{header.name}.h>", "",
             "cc FILE.c $(pkg\\-config \\-\\-cflags \\-\\-libs wilco)", ".fi", ".SH DESCRIPTION", *roff_prose(header.about)]
    for group in header.groups:
        lines += roff_group(group)
    see = ",\n".join(f"\\fB{roff(other)}\\fR(3)" for other in others)
    return "\n".join([*lines, ".SH SEE ALSO", see, ""])


def man_pages(headers, version):
    """File name and text of each; a name that is explained on a page of another name leads there."""
    pages = {f"{page_name(header)}.3": man_page(header, headers, version) for header in headers}
    for header in headers:
        for found in header.declarations():
            pages.setdefault(f"{found.name}.3", f".so man3/{page_name(header)}.3\n")
    return pages


def write_man(headers, folder):
    version = re.search(r"project\(wilco VERSION ([\d.]+)", pathlib.Path("CMakeLists.txt").read_text(encoding="utf-8"))[1]
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in man_pages(headers, version).items():
        (folder / name).write_text(text, encoding="utf-8")


def complaints(headers):
    for header in headers:
        for group in header.groups:
            for found in group.declarations if not group.text else ():
                yield f"{HEADERS}/{header.name}.h:{found.line}: {found.name} has no comment"
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(headers):
        yield f"{PAGE} is not up to date: scripts/api.py makes it"


def main(arguments):
    headers = read_headers()
    if arguments[:1] == ["--man"]:
        write_man(headers, pathlib.Path(arguments[1]))
        return 0
    if arguments != ["--check"]:
        PAGE.write_text(page(headers), encoding="utf-8")
        return 0
    found = list(complaints(headers))
    print(f"{sum(len(header.declarations()) for header in headers)} public names")
    print("".join(f"{complaint}\n" for complaint in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
