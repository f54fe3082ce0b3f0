"""`wilco request` with more than one answer, more than one question, and a change of mind."""

import json
import os
import pty
import re
import signal
import subprocess
import unittest

from harness import WAIT_S, WILCO, BrokerCase
from test_tool import tool


class Asking(BrokerCase):
    def ask(self, *arguments, **more):
        return tool("request", "--url", self.url, *arguments, **more)


class Repeated(Asking):
    def test_count_fills_in_the_payload(self):
        self.start_respond("echo", "--echo")
        done = self.ask("--count", "20", "--in-flight", "4", "echo", "no. {{n}} of {{time}}, {{x}}")
        lines = done.stdout.decode().splitlines()
        numbers = [re.fullmatch(r"no\. (\d+) of (\d{13}), \{\{x\}\}", line)[1] for line in lines]
        self.assertEqual(sorted(map(int, numbers)), list(range(1, 21)))
        self.assertRegex(done.stderr.decode(), r"20 asked, 20 answered, 0 failed\n")
        self.assertRegex(done.stderr.decode(), r"answered after p50 \S+ \w+, p99 \S+ \w+, max \S+ \w+\n")
        self.assertEqual(done.returncode, 0)

    def test_one_request_is_left_as_it_is(self):
        self.start_respond("echo", "--echo")
        self.assertEqual(self.ask("echo", "{{n}}").stdout, b"{{n}}\n")

    def test_failures_are_counted_by_reason(self):
        self.start_respond("odd", "--exec", 'read n; test "$n" = 2 && exit 1; printf "$n"')
        done = self.ask("--count", "3", "odd", "{{n}}")
        self.assertEqual((done.returncode, done.stdout), (64, b"1\n3\n"))
        self.assertIn(b"3 asked, 2 answered, 1 failed: 1 the responder answered with an error", done.stderr)
        done = self.ask("--count", "3", "--json", "nobody", "x")
        self.assertEqual(done.returncode, 16)
        self.assertEqual([json.loads(line)["executed"] for line in done.stdout.splitlines()], ["no"] * 3)
        self.assertEqual(done.stderr.count(b"nobody"), 1)  # the first failure is told, the others are counted

    def test_what_fits_into_no_packet_goes_in_pieces(self):
        self.start_respond("echo", "--echo")
        payload = os.urandom(5_000_000)  # the broker takes 2 MiB
        done = self.ask("-N", "echo", "-", stdin=payload)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == payload)
        done = self.ask("-N", "--large", "4M", "echo", "-", stdin=payload)
        self.assertEqual((done.returncode, done.stdout), (64, b""))
        self.assertIn(b"413: the response is larger than the requester takes", done.stderr)

    def test_rate_is_kept(self):
        self.start_respond("echo", "--echo")
        done = self.ask("--count", "30", "--rate", "100", "echo", "x")
        self.assertEqual((done.returncode, done.stdout), (0, b"x\n" * 30))
        self.assertIn(b"30 asked, 30 answered", done.stderr)

    def test_late_answers_are_late_from_when_they_were_due(self):
        self.start_respond("slow", "--concurrency", "1", "--exec", "sleep 0.1; echo x")
        done = self.ask("--count", "5", "--rate", "1000", "slow", "x")
        longest = re.search(r"max ([\d.]+) ms", done.stderr.decode())
        self.assertGreaterEqual(float(longest[1]), 450)  # the fifth waited for four others

    def test_lines_are_requests(self):
        self.start_respond("echo", "--echo")
        words = "".join(f"word {i}\n" for i in range(500))
        done = self.ask("-l", "echo", stdin=words.encode())
        self.assertEqual((done.returncode, done.stdout.decode(), done.stderr), (0, words, b""))
        done = self.ask("-l", "--in-flight", "50", "echo", stdin=words.encode())
        self.assertEqual(sorted(done.stdout.decode().splitlines()), sorted(words.splitlines()))

    def test_lines_are_answered_while_there_may_be_more(self):
        self.start_respond("echo", "--echo")
        program = self.start("stdbuf", "-oL", WILCO, "request", "--url", self.url, "-l", "echo")
        for word in ("one", "two"):
            program.send(f"{word}\n")
            program.line(f"^{word}$")
        program.process.stdin.close()
        self.assertEqual(program.wait(), 0)


class Several(Asking):
    def test_two_replies(self):
        for word in ("one", "two"):
            self.start_respond("all", "--reply", word)
        done = self.ask("--replies", "2", "-e", "answers/here", "all", "?")
        self.assertEqual((done.returncode, sorted(done.stdout.split()), done.stderr), (0, [b"one", b"two"], b""))

    def test_as_many_as_come(self):
        for word in ("one", "two"):
            self.start_respond("all", "--reply", word)
        done = self.ask("--replies", "all", "--stall", "300ms", "-e", "answers/here", "all", "?")
        self.assertEqual((done.returncode, sorted(done.stdout.split())), (0, [b"one", b"two"]))

    def test_until_an_empty_one(self):
        self.start_respond("all", "--reply", "")
        done = self.ask("--replies", "all", "--until-empty", "all", "?")
        self.assertEqual((done.returncode, done.stdout), (0, b"\n"))

    def test_an_error_among_them(self):
        self.start_respond("all", "--reply", "one")
        self.start_respond("all", "--exec", "exit 3")
        done = self.ask("--replies", "2", "-e", "answers/here", "all", "?")
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"one\n", done.stdout)
        self.assertIn(b"status 500", done.stderr)

    def start_parts(self):
        return self.start_script("paho_streamer.py", "stream")

    def test_parts_as_they_come(self):
        self.start_parts()
        done = self.ask("--parts", "8", "stream", "3")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"part 0\npart 1\npart 2\nend\n", b""))
        done = self.ask("--parts", "8", "--json", "stream", "2")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([o["payload"] for o in objects], ["half", "part 0", "part 1", "end"])
        self.assertEqual([o.get("part", False) for o in objects], [True, True, True, False])
        self.assertEqual([o.get("progress") for o in objects], [0.5, None, None, None])

    def test_progress_is_for_terminals(self):
        self.start_parts()
        ours, theirs = pty.openpty()
        command = [WILCO, "request", "--url", self.url, "--parts", "8", "stream", "1"]
        done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, timeout=WAIT_S, check=False)
        os.close(theirs)
        self.assertEqual((done.returncode, done.stdout), (0, b"part 0\nend\n"))
        self.assertIn(b"\r\033[K 50 %  half\r\033[K", os.read(ours, 4096))
        os.close(ours)


class ChangeOfMind(Asking):
    def test_interrupt_takes_the_request_back(self):
        silent = self.start_subscriber("-t", "silent")
        program = self.start(WILCO, "request", "--url", self.url, "--json", "silent", "x")
        silent.line("PUBLISH")
        self.assertEqual(program.stop(signal.SIGINT), 130)
        outcome = [line for line in program.said if line.startswith("stdout: {")]
        self.assertIn('"executed":"maybe"', outcome[0])


class Wrong(unittest.TestCase):
    def test_contradictions(self):
        rows = (
            (("--hedge", "1s"), "--idempotent"),
            (("--parts", "2", "--scatter"), "one answer"),
            (("--stall", "1s"), "--replies"),
            (("--until-empty",), "--replies"),
            (("--replies", "0"), "a number from 1, or all"),
            (("--rate", "fast"), "a number above 0"),
            (("--rate", "0"), "a number above 0"),
            (("--in-flight", "65537"), "65536"),
            (("-l", "-m", "x"), "more than once"),
        )
        for options, says in rows:
            with self.subTest(options=options):
                done = tool("request", *options, "t")
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertIn(says.encode(), done.stderr)


if __name__ == "__main__":
    unittest.main()
