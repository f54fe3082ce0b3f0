"""Whether test_page.py sees that a page is wrong: pages that are, and what it has to say of them."""

import pathlib
import tempfile
import unittest

from page import blocks_of, body_lines, commands_of
from test_page import try_page

PROGRAM = """<!-- file: {file}, body_max: {lines} -->
```c
#include <wilco/wilco.h>
#include <stdio.h>

int
main(void)
{{
    puts({text});

    return 0;
}}
```
"""
BUILT = PROGRAM.format(file="a.c", lines=2, text='"hi"')


def console(*lines, above=""):
    return "\n".join([above, "```console", *lines, "```", ""])


RIGHT = (
    ("what a command writes", console("$ echo a; echo b", "a", "b")),
    ("lines left out", console("$ seq 9", "1", "...", "8", "9")),
    ("all lines left out", console("$ seq 9", "...")),
    ("the exit status of the command before", console("$ false", "$ echo $?", "1")),
    ("a command on two lines", console("$ echo a \\", ">  b", "a b")),
    ("times differ", console("$ echo 2026-01-02T03:04:05.678Z", "1999-01-02T03:04:05Z")),
    ("a program that is built and run", BUILT + console("$ cc a.c -o a $(pkg-config --cflags --libs wilco) && ./a", "hi")),
    ("a file", "<!-- file: x -->\n```text\n1\n```\n" + console("$ cat x", "1")),
    ("two terminals", console("$ sleep 99", above="<!-- terminal: one, stays: yes -->") + console("$ echo a", "a")),
    ("not tried", "<!-- skip: it is wrong -->\n```sh\nfalse\n```\n"),
)
WRONG = (
    ("another line", console("$ echo a", "b"), "wrote: 'a', not: 'b'"),
    ("a line more", console("$ seq 2", "1"), "one line more: 2"),
    ("a line less", console("$ echo a", "a", "b"), "not: 'b'"),
    ("a line less behind lines left out", console("$ seq 9", "...", "10"), "not: '10'"),
    ("in the background", console("$ echo a &", "b"), "wrote: ['a']"),
    ("a script that fails", "```sh\nfalse\ntrue\n```\n", "exit code 1"),
    ("a warning of the compiler", PROGRAM.format(file="a.c", lines=2, text="1"), "page:9:"),
    ("too long", PROGRAM.format(file="a.c", lines=1, text='"hi"'), "2 lines, not 1"),
    ("what is not known", "```java\n```\n", "what is ```java?"),
)


class Tester(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as page:
            page.write(text)
            page.flush()
            return try_page(page.name, "page")

    def test_right(self):
        for name, text in RIGHT:
            with self.subTest(name):
                self.assertEqual(self.check(text), len(blocks_of(text)))

    def test_wrong(self):
        for name, text, want in WRONG:
            with self.subTest(name):
                with self.assertRaises(AssertionError) as failed:
                    self.check(text)
                self.assertIn(want, str(failed.exception))

    def test_unknown_directive(self):
        with self.assertRaises(ValueError):
            blocks_of("<!-- colour: red -->\n```c\n```\n")

    def test_pieces(self):
        blocks = blocks_of("a\n\n<!-- frame: f, file: x -->\n```c\n1\n```\n\n```text\n2\n```\nb\n```sh\n```\n")
        self.assertEqual([(b.language, b.line) for b in blocks], [("c", 5), ("text", 9), ("sh", 13)])
        self.assertEqual(blocks[0].directives, {"frame": "f", "file": "x"})
        self.assertEqual(commands_of(["x", "$ a \\", "> b", "c"]), [("", ["x"]), ("a \\\nb", ["c"])])
        self.assertEqual(body_lines("int\nf(void)\n{\n    a;\n\n    b;\n}\n"), 2)


if __name__ == "__main__":
    unittest.main()
