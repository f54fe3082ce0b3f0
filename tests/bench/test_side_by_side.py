#!/usr/bin/env python3
"""What `make bench` makes of what it measures, with a generator and brokers that are made up."""
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import run as bench_run  # noqa: E402
from side_by_side import cases, measuring, peers, plots, progress, report, syscalls, table  # noqa: E402
from side_by_side.broker import Broker, BrokerError  # noqa: E402
from side_by_side.cores import Cores  # noqa: E402
from side_by_side.summary import Summary  # noqa: E402

FAKE_BROKER = str(HERE / "fake_broker.py")
FAKE_LOAD = str(HERE / "fake_load.py")
CASE = cases.Case("busy", "busy", "request", {}, cases.ROUND_TRIPS)
QUICK = cases.Case("quick", "quick", "request", {}, cases.P99)


def peer(name, role="mqtt", **more):
    return peers.Peer(name, role, **{"command": (), **more})


def measured(case, **values):
    """Of each peer one value a round, or None where the round failed."""
    runs = []
    for name, list_of_values in values.items():
        for number, value in enumerate(list_of_values):
            result = None if value is None else {"per_second": value, "latency_us": {"p99": value}}
            runs.append(measuring.Run(case.name, name, None, number, result, None if result else "broken"))
    return measuring.Measured(runs)


def summary_of(case, **values):
    everyone = [peer(name, {"wilco": "wilco", "relay": "limit"}.get(name, "mqtt")) for name in values]
    return Summary(measured(case, **values), everyone)


class Ratios(unittest.TestCase):
    def test_medians(self):
        for values, median in (((1, 100, 3), 3), ((4, 2), 3), ((7,), 7), ((None, 5, None), 5), ((None,), None)):
            with self.subTest(values=values):
                self.assertEqual(summary_of(CASE, a=values).median(CASE, "a", CASE.metric), median)

    def test_a_ratio_is_taken_within_a_round(self):
        # Twice as fast in two of three rounds. The medians are 50 and 50: their ratio would be 1. Sorted
        # or shifted against each other the rounds would give yet other numbers.
        found = summary_of(CASE, wilco=(10, 50, 100), a=(5, 100, 50))
        self.assertEqual(found.ratio(CASE, "wilco", "a", CASE.metric), 2)

    def test_only_rounds_in_which_both_were_measured(self):
        found = summary_of(CASE, wilco=(10, None, 40, 9), a=(5, 1, 10, None))
        self.assertEqual(found.ratio(CASE, "wilco", "a", CASE.metric), 3)  # of 2 and 4
        self.assertIsNone(summary_of(CASE, wilco=(1, None), a=(None, 1)).ratio(CASE, "wilco", "a", CASE.metric))

    def test_the_best_peer_is_another_broker(self):
        values = {"wilco": (9,), "relay": (99,), "a": (1,), "b": (2,)}
        self.assertEqual(summary_of(CASE, **values).best(CASE, CASE.metric), "b")
        self.assertEqual(summary_of(QUICK, **values).best(QUICK, QUICK.metric), "a")
        self.assertIsNone(summary_of(CASE, wilco=(9,), relay=(9,)).best(CASE, CASE.metric))

    def test_spread(self):
        self.assertEqual(summary_of(CASE, a=(10, 20, 25)).spread(CASE, "a", CASE.metric), 0.75)

    def test_aims(self):
        at_least_half = cases.Aim(0.5, cases.ROUND_TRIPS, "relay")
        no_slower = cases.Aim(1.0, cases.P99, "best")
        for found, case, aim, measured_and_reached in (
                (summary_of(CASE, wilco=(60,), relay=(100,)), CASE, at_least_half, ["0.60", "yes"]),
                (summary_of(CASE, wilco=(40,), relay=(100,)), CASE, at_least_half, ["0.40", "NO"]),
                (summary_of(QUICK, wilco=(1,), a=(2,)), QUICK, no_slower, ["0.50", "yes"]),
                (summary_of(QUICK, wilco=(4,), a=(2,)), QUICK, no_slower, ["2.00", "NO"]),
                (summary_of(QUICK, wilco=(4,)), QUICK, no_slower, ["-", "-"])):
            with self.subTest(case=case.name, want=measured_and_reached):
                rows = table.aims(found, [dataclasses.replace(case, aims=(aim,))])
                self.assertEqual(rows[1][2:], measured_and_reached)


class Turns(unittest.TestCase):
    def test_each_round_has_everybody_and_begins_with_another_one(self):
        self.assertEqual(list(measuring.in_turns(["a", "b", "c"], 2)),
                         [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")])
        self.assertEqual(list(measuring.in_turns([], 2)), [])


class Tables(unittest.TestCase):
    def test_numbers(self):
        for value, unit, text in ((3_900_000, "/s", "3.90 M"), (462_400, "/s", "462 k"), (0.206, "us", "0.21 us"),
                                  (1234, "us", "1.23 ms"), (360, "B", "360 B"), (None, "us", "-"), (0, "B", "0.00 B"),
                                  (0.553, "", "0.55")):
            with self.subTest(value=value, unit=unit):
                self.assertEqual(table.shown(value, unit), text)

    def test_columns_are_aligned(self):
        lines = table.aligned([["case", "a"], ["one", "1234"], ["three", "5"]])
        self.assertEqual(lines, ["case      a", "-----  ----", "one    1234", "three     5"])

    def test_markdown(self):
        self.assertEqual(table.markdown([["case", "a"], ["one", "1"]]),
                         ["| case | a |", "| --- | ---: |", "| one | 1 |"])

    def test_what_failed_is_said(self):
        rows = table.details(summary_of(CASE, wilco=(5, None, 7), a=(None, None, None)), CASE)
        self.assertEqual([row[-1] for row in rows], ["failed", "1 of 3", "3 of 3"])


class Plots(unittest.TestCase):
    def test_lines_that_end_early_are_filled_with_nothing(self):
        drawn = plots.plot("p", "p", "", ({}, {}), {"a": {1: 10, 4: 40}, "b": {2: 20}, "none": {}})
        self.assertEqual(drawn["xs"], [1, 2, 4])
        self.assertEqual([(line["peer"], line["ys"]) for line in drawn["series"]],
                         [("a", [10, None, 40]), ("b", [None, 20, None])])

    def test_percentiles_are_of_one_round(self):
        runs = measured(QUICK, a=(3, 1, 2)).runs
        self.assertEqual(plots.middle_run(runs).round, 2)
        self.assertIsNone(plots.middle_run(measured(QUICK, a=(None,)).runs))


class Calls(unittest.TestCase):
    SUMMARY = ("% time     seconds  usecs/call     calls    errors syscall\n"
               "------ ----------- ----------- --------- --------- ----------------\n"
               " 75.00    0.000300          10        30           sendto\n"
               " 25.00    0.000100          10        10         2 recvfrom\n"
               "------ ----------- ----------- --------- --------- ----------------\n"
               "100.00    0.000400          10        40         2 total\n")

    def test_the_sum_is_read(self):
        self.assertEqual(syscalls.total_of(self.SUMMARY), 40)
        self.assertEqual(syscalls.total_of(self.SUMMARY.replace("        2 total", "          total")), 40)
        self.assertIsNone(syscalls.total_of("strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted"))

    def test_what_both_runs_have_counts_for_nothing(self):
        self.assertEqual(syscalls.per_thing([(1000 + 60, 10), (1000 + 240, 40)]), 6)
        self.assertIsNone(syscalls.per_thing([(100, 10), (90, 10)]))
        self.assertIsNone(syscalls.per_thing([(None, 10), (90, 20)]))


class Everything(unittest.TestCase):
    """The program itself, from its command line to its files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"
        os.environ["FAKE_LOG"] = str(self.log)
        self.addCleanup(os.environ.pop, "FAKE_LOG")

    def run_bench(self, *words, peer_commands=("two={} --port {{port}} --speed 2",)):
        given = [word for command in peer_commands for word in ("--peer", command.format(FAKE_BROKER))]
        command = [*given, "--no-nats", "--without", "mosquitto", "--wilco", FAKE_BROKER, "--relay", FAKE_BROKER,
                   "--generator", FAKE_LOAD, "--seconds", "0.01", "--out", str(self.folder), *words]
        out, err = io.StringIO(), io.StringIO()
        uplot = self.folder / "uplot"
        uplot.mkdir(exist_ok=True)
        for name in ("uPlot.min.css", "uPlot.iife.min.js"):
            (uplot / name).write_text(f"/* {name} */", encoding="utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = bench_run.main(["--uplot", str(uplot), *command])
        return status, out.getvalue(), err.getvalue()

    def measured_speeds(self):
        """How fast those were who were measured, in this order."""
        return [float(line.split()[1]) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def test_rounds_are_interleaved_and_ratios_hold_on_a_machine_that_changes(self):
        status, out, _ = self.run_bench("--cases", "fan-out", "--rounds", "3", peer_commands=(
            "two={} --port {{port}} --speed 2", "four={} --port {{port}} --speed 4"))
        self.assertEqual(status, 0)
        row = next(line for line in out.splitlines() if line.startswith("fan-out"))
        # Wilco and the relay have speed 8: twice the best peer, which is not the first one.
        self.assertRegex(row, r" 3.20 k +3.20 k +four 1.60 k +- +- +3.20 k +2.00 +1.00 ")
        self.assertEqual(self.measured_speeds(), [8, 2, 4, 8, 8, 2, 4, 8, 8, 8, 4, 8, 8, 8, 2])

    def test_what_the_page_needs_is_asked_for_before_anything_is_measured(self):
        status, _, err = self.run_bench("--uplot", str(self.folder / "nowhere"), "--cases", "idle")
        self.assertEqual(status, 2)
        self.assertIn("make setup", err)
        self.assertFalse(self.log.exists())

    def test_the_report(self):
        status, out, err = self.run_bench("--cases", "open-loop,idle,load", "--rounds", "1", "--markdown")
        self.assertEqual(status, 0)
        self.assertIn("| case | relay |", out)
        self.assertIn("report.html", err)
        found = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        self.assertEqual({run["case"] for run in found["runs"]}, {"open-loop", "idle", "load"})
        page = (self.folder / "report.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"\{\{|(?:src|href)=")
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
        self.assertEqual([plot["name"] for plot in data["plots"]],
                         ["open-loop-percentiles", "load-latency_us.p50", "load-latency_us.p99", "load-latency_us.p999"])
        load = data["plots"][1]
        self.assertEqual(load["xs"], [5000])  # more is more than anybody can
        self.assertEqual([line["peer"] for line in load["series"]], ["wilco", "two", "relay", "relay, MQTT"])
        self.assertEqual([group["title"] for group in data["bars"]], [cases.chosen("open-loop")[0].title,
                                                                     cases.chosen("idle")[0].title])

    def test_a_load_that_a_peer_cannot_follow_ends_its_line(self):
        self.run_bench("--cases", "load", "--rounds", "1")
        rates = re.findall(r"^request 2 .*--rate (\d+)", self.log.read_text(encoding="utf-8"), re.M)
        self.assertEqual(rates, ["5000"])  # its 2000 a second are less

    def test_half_of_the_greatest_load(self):
        self.run_bench("--cases", "half,half-best", "--rounds", "1")
        lines = self.log.read_text(encoding="utf-8")
        # The best other broker had 2000 a second when it was measured for this.
        self.assertEqual(re.findall(r"^request 2 .*--rate (\d+)", lines, re.M), ["1000", "1000"])
        own, best = (re.findall(r"^request 8 .*--rate (\d+)", lines, re.M)[i:i + 3] for i in (0, 3))
        self.assertEqual(best, ["1000"] * 3)
        self.assertNotIn("1000", own)

    def test_a_measurement_that_is_none(self):
        for speed, complaint in (("0", "3 answers are wrong"), ("0.0001", "nothing came back")):
            with self.subTest(complaint=complaint):
                status, out, err = self.run_bench("--cases", "large", "--rounds", "1",
                                                  peer_commands=(f"bad={{}} --port {{{{port}}}} --speed {speed}",))
                self.assertEqual(status, 0)  # it is not ours
                self.assertIn(f"large: bad: {complaint}", err)
                self.assertRegex(out, r"bad +- .* 1 of 1")

    def test_what_cannot_be(self):
        for words, complaint in ((("--cases", "nothing"), "no case is called 'nothing'"),
                                 (("--peer", "two"), "is not NAME=COMMAND"),
                                 (("--peer", "two=x"), "two peers are called 'two'"),
                                 (("--peer", f"dead={FAKE_BROKER} --dies"), "dead ended with status 1: no such option"),
                                 (("--peer", "none=/no/such/program"), "none: ")):
            with self.subTest(words=words):
                status, _, err = self.run_bench("--rounds", "1", *words)
                self.assertEqual(status, 2)
                self.assertIn(complaint, err)


class Brokers(unittest.TestCase):
    def test_a_peer_gets_a_port_and_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            running = Broker(peer("a", command=("sh", "-c", f"exec {FAKE_BROKER} --port $(cat {{dir}}/port)"),
                                  files=(("port", "{port}"),)), pathlib.Path(folder, "a"), {Cores().all[0]})
            running.start()
            self.assertTrue(running.is_running())
            self.assertEqual(os.sched_getaffinity(running.pid), {Cores().all[0]})
            running.stop()
            self.assertFalse(running.is_running())

    def test_one_that_ends_says_why(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(BrokerError, "no such option: --dies"):
            Broker(peer("a", command=(FAKE_BROKER, "--dies")), folder, {Cores().all[0]}).start()


class Times(unittest.TestCase):
    def test_how_long_still(self):
        now = [0.0]
        said = io.StringIO()
        shown = progress.Progress(said, lambda: now[0])
        shown.planned = 100
        shown.say("first", "wilco, round 1 of 3")
        shown.say("first", "wilco, round 2 of 3")
        now[0] = 10.0
        shown.advance(25)
        shown.say("second", "wilco, round 1 of 3")
        self.assertEqual(said.getvalue(), "first · ...\nsecond · 30 s left\n")


if __name__ == "__main__":
    unittest.main()
