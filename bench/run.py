#!/usr/bin/python3
"""Wilco, other MQTT brokers and bare relays side by side: tables on standard output, report.html and
report.json beside this file. README.md says how to read them.

    bench/run.py [--cases requests,one] [--rounds 5] [--peer 'NAME=COMMAND with {port} and {dir}']
"""
import argparse
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from side_by_side import cases as the_cases  # noqa: E402
from side_by_side import machine, peers, report, table  # noqa: E402
from side_by_side.broker import BrokerError  # noqa: E402
from side_by_side.cores import Cores  # noqa: E402
from side_by_side.generator import Generator  # noqa: E402
from side_by_side.measuring import Bench  # noqa: E402
from side_by_side.progress import Progress  # noqa: E402
from side_by_side.summary import Summary  # noqa: E402

BUILD = HERE.parent / "build" / "release"
# What measures Wilco alone: --all.
ALONE = (BUILD / "bench" / "bench_crossing", BUILD / "bench" / "bench_topic_index", HERE / "tracking.sh", HERE / "lane.sh")


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="cases: " + ", ".join(case.name for case in the_cases.ALL))
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="another MQTT broker, in the foreground; {port} and {dir} (an empty folder) are replaced")
    parser.add_argument("--no-nats", action="store_true", help="without nats-server, which runs where it is installed")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="without this peer")
    parser.add_argument("--cases", default="", metavar="A,B", help="only these")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each time (1)")
    parser.add_argument("--warmup", type=float, default=0.3, help="seconds that are not counted (0.3)")
    parser.add_argument("--out", default=HERE, metavar="DIR", help="where the report goes (bench)")
    parser.add_argument("--markdown", action="store_true", help="tables as Markdown")
    parser.add_argument("--all", action="store_true", help="what measures Wilco alone, too")
    parser.add_argument("--wilco", default=BUILD / "wilco", metavar="TOOL")
    parser.add_argument("--generator", default=BUILD / "bench" / "bench_load", metavar="PROGRAM")
    parser.add_argument("--relay", default=BUILD / "bench" / "bench_relay", metavar="PROGRAM")
    parser.add_argument("--uplot", default=report.UPLOT, type=pathlib.Path, metavar="DIR", help="what draws the plots")
    return parser.parse_args(arguments)


def measure(options, everyone, cases):
    cores = Cores()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(everyone, Generator(options.generator), cores, folder, Progress(),
                      options.rounds, options.seconds, options.warmup)
        measured = bench.run(cases)
    return measured, machine.facts(cores, HERE, options.rounds, options.seconds)


def main(arguments):
    options = parsed(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of those who stop the brokers
    if report.missing(options.uplot):  # said now, and not when everything has been measured
        print(f"bench: the page needs {report.missing(options.uplot)}: make setup", file=sys.stderr)
        return 2
    try:
        cases = the_cases.chosen(options.cases)
        more = [peers.given(text) for text in options.peer]
        everyone = peers.installed(str(options.wilco), str(options.relay), more, not options.no_nats)
        everyone = [peer for peer in everyone if peer.name not in options.without]
        measured, facts = measure(options, everyone, cases)
    except (ValueError, BrokerError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    summary = Summary(measured, everyone)
    print(table.text(summary, cases, options.markdown), flush=True)
    for path in report.write(options.out, summary, cases, facts, options.uplot):
        print(f"bench: {path}", file=sys.stderr)
    if options.all:
        for program in ALONE:
            subprocess.run([program], cwd=HERE.parent, check=False)
    return 1 if any(run.failure and run.peer.startswith("wilco") for run in measured.runs) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
