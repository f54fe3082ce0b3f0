#!/usr/bin/env python3
"""What `make cost` makes of what it counts. Nothing is counted here."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from broker import calls_between_marks  # noqa: E402
from callgrind import read_profile  # noqa: E402
from ceilings import Ceilings, compare, parse, unparse  # noqa: E402
from client import end_of_packet, length, packet  # noqa: E402


def ceilings(made_with="this", **rows):
    return Ceilings(made_with, {name: dict(zip(("instructions", "system_calls", "allocations"), row))
                                for name, row in rows.items()})


class Comparing(unittest.TestCase):
    def test_what_fails_and_what_is_worth_recording(self):
        for now, fails, hints in (
                ((1000, 6, 2), 0, 0), ((1050, 6, 2), 0, 0), ((1052, 6, 2), 1, 0), ((901, 6, 2), 0, 0),
                ((890, 6, 2), 0, 1), ((1000, 6.2, 2), 0, 0), ((1000, 6.31, 2), 1, 0), ((1000, 6, 2.2), 1, 0),
                ((2000, 12, 4), 3, 0), ((500, 3, 1), 0, 3)):
            with self.subTest(now=now):
                failures, worth = compare(ceilings(a=(1000, 6, 2)), ceilings(a=now))
                self.assertEqual((len(failures), len(worth)), (fails, hints))

    def test_where_there_was_nothing_there_may_be_nothing(self):
        self.assertEqual(compare(ceilings(a=(1, 1, 0)), ceilings(a=(1, 1, 0)))[0], [])
        self.assertEqual(len(compare(ceilings(a=(1, 1, 0)), ceilings(a=(1, 1, 0.01)))[0]), 1)

    def test_another_compiler_spares_the_instructions_alone(self):
        failures, hints = compare(ceilings(a=(1000, 6, 2)), ceilings("another", a=(2000, 7, 2)))
        self.assertEqual((len(failures), hints), (1, []))
        self.assertIn("7.0000 system calls", failures[0])

    def test_every_scenario_has_its_row(self):
        self.assertEqual(len(compare(ceilings(a=(1, 1, 1)), ceilings(b=(1, 1, 1)))[0]), 2)

    def test_what_is_written_is_read(self):
        written = ceilings("gcc 12; glibc 2", a=(1000, 6.5, 2), b=(3, 0.0938, 0))
        self.assertEqual(parse(unparse(written)), written)


class Counting(unittest.TestCase):
    def test_system_calls_between_the_marks_and_of_the_broker(self):
        mark = ("SYSCALL[7,2](1) sys_write ( 0, 0x1, 1 ) --> [async] ... \n"
                "SYSCALL[7,2](1) ... [async] --> Success(0x1) \n")
        call = "SYSCALL[7,3](232) sys_epoll_wait ( 5, 0x1, 64, -1 ) --> [async] ... \n"
        heard = "SYSCALL[7,2](0) sys_read ( 0, 0x1, 1 ) --> [async] ... \n"
        self.assertEqual(calls_between_marks(call + mark + heard + call + call + mark + call), 2)

    def test_a_profile(self):
        text = ("ob=(1) /x/wilco\nfn=(1) main\n1 5\ncob=(2) /lib/m.so\ncfn=(2) mi_malloc\ncalls=3 0\n1 30\n"
                "ob=(2)\nfn=(3) strdup\ncfn=(4) malloc\ncalls=100 0\n1 9\n"
                "ob=(1)\nfn=(5) other\ncob=(2)\ncfn=(2)\ncalls=4 0\n1 9\ncfn=(6) malloc_stats\ncalls=9 0\n1 1\n"
                "totals: 54\n")
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            profile = read_profile(file.name, "/x/wilco")
        self.assertEqual((profile.instructions, profile.allocations), (54, 7))


class Packets(unittest.TestCase):
    def test_a_cut_packet_has_no_end(self):
        for size in (0, 1, 127, 128, 20000):
            whole = packet(0x30, b"x" * size)
            with self.subTest(size=size):
                self.assertEqual(end_of_packet(whole, 0), (1 + len(length(size)), len(whole)))
                self.assertIsNone(end_of_packet(whole[:-1], 0))


if __name__ == "__main__":
    unittest.main()
