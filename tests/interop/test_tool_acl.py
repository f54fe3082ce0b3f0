"""`wilco acl`: what a file says, which line decides, and which is wrong."""

import pathlib
import subprocess
import tempfile
import unittest

import harness

RULES = """topic read public/#
user ann
topic readwrite home/+/light
topic deny home/cellar/#
pattern write devices/%c/state
"""

# user, client, action, topic, exit code, first line of output
ROWS = (
    ("-", "c", "receive", "public/x", 0, "permitted by line 1: topic read public/#"),
    ("-", "c", "read", "public/x", 0, "permitted by line 1: topic read public/#"),
    ("-", "c", "publish", "public/x", 135, "denied: no line permits it"),
    ("ann", "c", "write", "home/hall/light", 0, "permitted by line 3: topic readwrite home/+/light"),
    ("ann", "c", "write", "home/cellar/light", 135, "denied by line 4: topic deny home/cellar/#"),
    ("ann", "c", "subscribe", "home/#", 0, "permitted by line 3: topic readwrite home/+/light"),
    ("ann", "c", "subscribe", "$share/g/home/cellar/+", 135, "denied by line 4: topic deny home/cellar/#"),
    ("bob", "c1", "publish", "devices/c1/state", 0, "permitted by line 5: pattern write devices/%c/state"),
    ("bob", "c+", "publish", "devices/c+1/state", 1, ""),
    ("bob", "c+", "publish", "devices/c/state", 135,
     "denied: no line of the user permits it, and no pattern is for a name with + or # in it"),
    ("ann", "c", "publish", "$SYS/x", 135, "denied: no client publishes to topics that begin with $"),
    ("ann", "c", "receive", "$r/x", 135,
     "denied: nobody but its owner receives what is in an inbox, and nobody but who was asked publishes to it, "
     "whatever a file says"),
    ("ann", "c", "subscribe", "a/#/b", 1, ""),
    ("ann", "c", "look", "a", 1, ""),
)  # fmt: skip


class Acl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "acl"
        self.file.write_text(RULES)

    def ask(self, *words):
        done = subprocess.run(
            [harness.WILCO, "acl", *map(str, words)], capture_output=True, timeout=harness.WAIT_S, text=True, check=False
        )
        return done.returncode, (done.stdout.splitlines() or [""])[0], done.stderr

    def test_explain(self):
        for *question, code, said in ROWS:
            with self.subTest(question=question):
                self.assertEqual(self.ask("explain", "--acl-file", self.file, *question)[:2], (code, said))

    def test_the_file_of_a_configuration(self):
        config = self.folder / "wilco.conf"
        question = ("-", "c", "publish", "a")
        config.write_text("shards 1\n")
        self.assertEqual(self.ask("explain", "--config", config, *question)[:2],
                         (0, f"permitted: {config} names no acl_file"))  # fmt: skip
        config.write_text(f"acl_file {self.file}\n")
        self.assertEqual(self.ask("explain", "--config", config, *question)[:2], (135, "denied: no line permits it"))
        config.write_text("acl_fil x\n")
        self.assertEqual(self.ask("explain", "--config", config, *question)[0], 1)

    def test_check(self):
        self.assertEqual(self.ask("check", self.file)[:2], (0, f"{self.file}: 4 rules, 1 users with rules of their own"))
        self.file.write_text("topic a\n\ntopic reed a\n")
        code, _, said = self.ask("check", self.file)
        self.assertEqual(code, 1)
        self.assertIn('line 3: "topic reed a": what may be done is read, write, readwrite or deny', said)
        self.assertEqual(self.ask("check", self.folder / "none")[0], 1)

    def test_what_is_missing(self):
        for words in ((), ("explain",), ("check",), ("explain", "-", "c", "publish", "a"), ("watch", "x")):
            with self.subTest(words=words):
                self.assertEqual(self.ask(*words)[0], 1)


if __name__ == "__main__":
    unittest.main()
