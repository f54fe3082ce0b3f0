"""The reference: scripts/api.py on headers made for it, and what it made of ours."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import api  # noqa: E402

HEADER = """#ifndef WILCO_X_H
#define WILCO_X_H

#include "wilco/status.h"

/* What it
 * is for. */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(WILCO_BUILD)
#    define WILCO_API __attribute__((visibility("default")))
#else
#    define WILCO_API
#endif

%s
#ifdef __cplusplus
}
#endif

#endif
"""
# What a header declares, and the groups that are read: their names, and what is said of them.
ROWS = (
    ("/* One. */\nWILCO_API int wilco_a(void);\n", [("wilco_a", "One.")]),
    ("/* Both. */\ntypedef void wilco_fn(void *context);\nint wilco_a(wilco_fn *f);\n", [("wilco_fn wilco_a", "Both.")]),
    ("/* One. */\nint wilco_a(void);\n/* Two. */\nint wilco_b(void);\n", [("wilco_a", "One."), ("wilco_b", "Two.")]),
    ("/* One ... */\nint wilco_a(void);\n/* ... two. */\nint wilco_b(void);\n", [("wilco_a wilco_b", "One ... two.")]),
    ("/* Its fields. */\nstruct wilco_s {\n    int a; /* b; */\n    /* } */\n    int c;\n};\n", [("wilco_s", "Its fields.")]),
    ("/* Hidden. */\nstruct wilco_s;\n", [("wilco_s", "Hidden.")]),
    ("/* A. */\n#ifdef __cplusplus\n#    define WILCO_M 1\n#else\n#    define WILCO_M 2\n#endif\n", [("WILCO_M", "A.")]),
    ("/* ---- Part ---- */\n\n/* One. */\nint wilco_a(void);\n", [("", ""), ("wilco_a", "One.")]),
    ("/* One. */\nint wilco_a(int a,\n            int b);\n\nint wilco_b(void);\n", [("wilco_a", "One."), ("wilco_b", "")]),
)


def read(declarations):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.h"
        path.write_text(HEADER % declarations)
        return api.read_header(path)


class Headers(unittest.TestCase):
    def test_groups(self):
        for text, want in ROWS:
            with self.subTest(text):
                header = read(text)
                got = [(" ".join(d.name for d in group.declarations), group.text) for group in header.groups]
                self.assertEqual((header.about, got), ("What it\nis for.", want))

    def test_what_has_no_comment(self):
        header = read("/* One. */\nint wilco_a(void);\n\nint wilco_b(void);\n")
        self.assertIn("include/wilco/x.h:22: wilco_b has no comment", list(api.complaints([header])))

    def test_prose(self):
        known = {"wilco_a": "struct_wilco_a", "wilco_a()": "wilco_a", "wilco_b": "wilco_b"}
        rows = (
            ("See wilco_a(), wilco_c.", "See [wilco_a()](#wilco_a), wilco_c."),
            ("wilco_a.x, wilco_b", "[wilco_a](#struct_wilco_a).x, [wilco_b](#wilco_b)"),
            ("`wilco_a` is *out <x>", "`wilco_a` is \\*out \\<x>"),
        )
        for text, want in rows:
            self.assertEqual(api.linked(text, known), want)
        self.assertEqual(api.prose("a\n\n    b\n\n    c\n\nB", known), ["a", "", "```c", "b", "", "c", "```", "", "B", ""])

    def test_roff(self):
        rows = ((".a", "\\&.a"), ("a-b 'c'", "a\\-b \\(aqc\\(aq"), ("a `b` \\n", "a \\fBb\\fR \\en"))
        for text, want in rows:
            self.assertEqual(api.roff(text), want)


class Ours(unittest.TestCase):
    """Found in another way than api.py does."""

    def names(self):
        text = "".join(path.read_text() for path in (ROOT / "include" / "wilco").glob("*.h"))
        names = set(re.findall(r"^WILCO_API [^(]*?(wilco_\w+)\(", text, re.M))
        return names | set(re.findall(r"^((?:struct|enum) wilco\w*)(?: \{|;)", text, re.M))

    def test_page_has_every_name(self):
        page = (ROOT / "docs" / "api.md").read_text()
        for name in self.names():
            self.assertTrue(f'<a id="{name.replace(" ", "_")}"></a>' in page, name)

    def test_links_lead_somewhere(self):
        page = (ROOT / "docs" / "api.md").read_text()
        targets = set(re.findall(r'<a id="(\w+)">', page)) | {
            re.sub(r"[/.]", "", title) for title in re.findall(r"^## (\S+)$", page, re.M)
        }
        self.assertEqual(set(re.findall(r"\]\(#(\w+)\)", page)) - targets, set())

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_man_takes_every_page(self):
        with tempfile.TemporaryDirectory() as folder:
            pages = pathlib.Path(folder) / "man3"
            subprocess.run([ROOT / "scripts" / "api.py", "--man", pages], cwd=ROOT, check=True)
            for name in self.names():
                self.assertTrue((pages / f"{name.split()[-1]}.3").exists(), name)
            for path in pages.iterdir():
                other = re.fullmatch(r"\.so man3/(.*)\n", path.read_text())
                if other:
                    self.assertTrue((pages / other[1]).exists(), path.name)
                    continue
                shown = subprocess.run(
                    ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], cwd=folder,
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                self.assertEqual(shown.stderr, "", path.name)


if __name__ == "__main__":
    unittest.main()
