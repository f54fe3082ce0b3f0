"""hardening.py finds each thing that is missing: a small program, built as a release is, and then with one option
less each time."""
import os
import pathlib
import platform
import subprocess
import tempfile
import unittest

from hardening import faults

COMPILER = os.environ.get("CC", "gcc")
SOURCE = r"""
#include <stdio.h>
#include <string.h>
#ifdef TO_WRITE_AND_RUN
__asm__(".section .both, \"awx\"\n.byte 0\n.text");
#endif
int main(int argc, char **argv)
{
    char a[64], b[64];
    snprintf(a, sizeof(a), "%s", argv[0]);
    memcpy(b, argv[0], strlen(argv[0]));
    strcpy(b, argv[argc - 1]);
    return printf("%s %s\n", a, b) < 0;
}
"""
HARDENED = ["-g", "-O2", "-w", "-fPIE", "-pie", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong",
            "-fstack-clash-protection", "-ftrivial-auto-var-init=zero", "-Wl,-z,relro", "-Wl,-z,now",
            "-Wl,-z,noexecstack"]
INSTEAD = [
    ("-pie", "-no-pie", "no PIE"),
    ("-Wl,-z,noexecstack", "-Wl,-z,execstack", "its stack is executable"),
    ("-w", "-DTO_WRITE_AND_RUN", "writable and executable"),
    ("-Wl,-z,relro", "-Wl,-z,norelro", "its tables stay writable"),
    ("-Wl,-z,now", "-Wl,-z,lazy", "looked up late"),
    ("-g", "-g0", "does not say how it was compiled"),
    ("-O2", "-Wl,-rpath,/opt/lib", "remembers a folder"),
    ("-fstack-protector-strong", "-fno-stack-protector", "no function checks its stack"),
    ("-D_FORTIFY_SOURCE=2", "-U_FORTIFY_SOURCE", "few fortified functions"),
    ("-fstack-clash-protection", "-fno-stack-clash-protection", "without -fstack-clash-protection"),
    ("-ftrivial-auto-var-init=zero", "-ftrivial-auto-var-init=uninitialized", "without -ftrivial-auto-var-init=zero"),
]


class Hardening(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / "small.c"
        self.program = str(self.source.with_suffix(""))
        self.source.write_text(SOURCE, encoding="utf-8")
        self.options = ["-U_FORTIFY_SOURCE", *HARDENED]
        if platform.machine() == "x86_64":
            self.options.append("-fcf-protection=full")

    def found(self, options):
        subprocess.run([COMPILER, *options, "-o", self.program, self.source], check=True)
        return list(faults(self.program))

    def test_nothing_is_missing(self):
        self.assertEqual(self.found(self.options), [])

    def test_each_thing_that_is_missing_is_named(self):
        for old, new, fault in INSTEAD:
            with self.subTest(new):
                found = self.found([new if option == old else option for option in self.options])
                self.assertTrue(any(fault in text for text in found), f"{new}: {found}")

    @unittest.skipUnless(platform.machine() == "x86_64", "there is nothing like it here")
    def test_jumps_may_land_anywhere(self):
        self.options.remove("-fcf-protection=full")
        found = self.found(self.options)
        self.assertTrue(any("endbr64" in text for text in found), found)
        self.assertTrue(any("without -fcf-protection=full" in text for text in found), found)


if __name__ == "__main__":
    unittest.main()
