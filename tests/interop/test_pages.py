"""Man pages and completion as the build makes them: what --help says is in all of them, and shells and man accept them."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import WAIT_S, WILCO, run

PAGES = pathlib.Path(os.environ["PAGES"])
OPTION = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(?: (\S.*?))?(?:  |$)", re.M)
BASH = PAGES / "bash" / "wilco"


def commands():
    text = run(WILCO, "--help").decode()
    return re.findall(r"^  (\w+)  ", text.split("\nCommands\n")[1].split("\n\n")[0], re.M)


def options(command):
    """(letter, name, argument) of each, as --help lists them."""
    behind_examples = run(WILCO, command, "--help").decode().split("\nExamples\n")[1].split("\n\n", 1)[1]
    return OPTION.findall(behind_examples)


def page(name):
    """The text of a page, without fonts and escapes."""
    text = next(PAGES.glob(f"man/*/{name}.[0-9]")).read_text()
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\(ti", "~").replace("\\e", "\\")


def bash_complete(*words):
    """What bash offers for the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wilco; printf "%s\\n" "${COMPREPLY[@]}"'
    return run("bash", "-c", script, "bash", BASH, *words).decode().split("\n")[:-1]


class Pages(unittest.TestCase):
    def test_each_command_has_its_page_with_every_option(self):
        for command in commands():
            text = page(f"wilco-{command}")
            found = options(command)
            self.assertIn(("", "help", ""), found)
            for letter, name, argument in found:
                tag = f"{f'-{letter}, ' if letter else ''}--{name}{f' {argument}' if argument else ''}"
                with self.subTest(command=command, option=tag):
                    self.assertTrue(f".TP\n{tag}\n" in text)

    def test_sections(self):
        for command in commands():
            headings = re.findall(r"^\.SH (.*)$", page(f"wilco-{command}"), re.M)
            self.assertEqual(
                headings,
                ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES", "SEE ALSO"],
            )

    def test_examples_are_whole(self):
        for command in commands():
            examples = run(WILCO, command, "--help").decode().split("\nExamples\n")[1].split("\n\n")[0]
            self.assertIn(f".SH EXAMPLES\n.nf\n{examples}\n.fi\n", page(f"wilco-{command}"))

    def test_the_overview_names_all(self):
        text = page("wilco")
        listed = run(WILCO, "manual").decode().split()
        self.assertEqual(sorted(listed), sorted(path.name for path in PAGES.glob("man/*/*")))
        for name in listed:
            if name != "wilco.1":
                self.assertIn(f"{name[:-2]}({name[-1]})", text)
        for command in commands():
            self.assertIn(f".TP\nwilco {command}\n", text)

    def test_every_line_of_the_configuration_file(self):
        text = page("wilco.conf")
        names = re.findall(r"^#(\w+) (\S+)$", run(WILCO, "broker", "--print-config").decode(), re.M)
        self.assertGreater(len(names), 50)
        for name, standard in names:
            self.assertIn(f".TP\n{name} {standard}\n", text)

    def test_a_page_by_its_name(self):
        for name in ("wilco-broker", "wilco-broker.8"):
            self.assertEqual(run(WILCO, "manual", name), (PAGES / "man/man8/wilco-broker.8").read_bytes())
        run(WILCO, "manual", "nonsense", status=1)

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "no man")
    def test_man_has_nothing_to_complain_of(self):
        for path in PAGES.glob("man/*/*"):
            done = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(path)],
                capture_output=True, timeout=WAIT_S, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            self.assertEqual((path.name, done.returncode, done.stderr), (path.name, 0, b""))


class Completion(unittest.TestCase):
    def test_every_option_in_each_script(self):
        scripts = {
            "bash": (BASH, r"(?:{letter}\|)?--{name}\b"),
            "zsh": (PAGES / "zsh/_wilco", r"(?:\{{{letter},)?--{name}=?[\[}}]"),
            "fish": (PAGES / "fish/wilco.fish", r"from {command}' (?:-s {short} )?-l {name} "),
        }
        for command in commands():
            for letter, name, _ in options(command):
                for shell, (path, pattern) in scripts.items():
                    wanted = pattern.format(command=command, name=name, letter=f"-{letter}", short=letter)
                    with self.subTest(shell=shell, command=command, option=name):
                        self.assertTrue(re.search(wanted, part_of(shell, path.read_text(), command)), wanted)

    def test_bash_offers(self):
        rows = (
            (("wilco", "req"), ["request"]),
            (("wilco", "--v"), ["--version"]),
            (("wilco", "help", "resp"), ["respond"]),
            (("wilco", "request", "--ti"), ["--timeout"]),
            (("wilco", "request", "--qos", ""), ["0", "1", "2"]),
            (("wilco", "request", "-q", ""), ["0", "1", "2"]),
            (("wilco", "request", "--qos", "="), ["0", "1", "2"]),
            (("wilco", "request", "--qos", "=", "2"), ["2"]),
            (("wilco", "request", "--timeout", ""), [""]),
            (("wilco", "broker", "--log-level", "w"), ["warning"]),
            (("wilco", "completion", ""), ["bash", "zsh", "fish"]),
            (("wilco", "nonsense", "--"), [""]),
        )
        for words, offered in rows:
            with self.subTest(words=words):
                self.assertEqual(bash_complete(*words), offered)

    def test_bash_offers_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a file.json"
            path.touch()
            for words in (("pub", "-f"), ("request", "--file"), ("broker", "--config"), ("sub", "--password-file")):
                self.assertEqual(bash_complete("wilco", *words, f"{folder}/a"), [str(path)])

    def test_shells_can_read_their_scripts(self):
        for shell, path in (("bash", BASH), ("zsh", PAGES / "zsh/_wilco"), ("fish", PAGES / "fish/wilco.fish")):
            if shutil.which(shell):
                run(shell, "-n", path)
            self.assertEqual(run(WILCO, "completion", shell), path.read_bytes())

    def test_another_shell(self):
        run(WILCO, "completion", "tcsh", status=1)
        run(WILCO, "completion", status=1)


def part_of(shell, text, command):
    """What a script says about one command."""
    if shell == "fish":
        return "\n".join(line for line in text.split("\n") if f"from {command}'" in line)
    begin = {"bash": f"\n  *:{command})\n", "zsh": f"\n  {command}) _arguments"}[shell]
    end = {"bash": "    esac ;;\n", "zsh": " ;;\n"}[shell]
    return text.split(begin)[1].split(end)[0]


if __name__ == "__main__":
    unittest.main()
