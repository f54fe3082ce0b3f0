#!/usr/bin/python3
"""Reports as bench_load does, with made-up numbers: a broker is as fast as its `--speed`, on a machine that
is another one in each round. FAKE_LOG is a file that gets a line for each run: mode, speed, process, options."""
import argparse
import json
import os
import pathlib
import re
import sys

MACHINE = (1000, 100, 400)  # its speed from round to round


def speed_of(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    found = re.search(r"--speed ([\d.]+)", words)
    return float(found[1]) if found else 8.0


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("mode")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--connections", type=int, default=0)
    options, more = parser.parse_known_args()
    log = pathlib.Path(os.environ["FAKE_LOG"])
    speed = speed_of(options.pid)
    name = f"{options.mode} {speed:g} {options.pid} "
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    machine = MACHINE[sum(1 for line in lines if line.startswith(name)) % len(MACHINE)]
    with log.open("a", encoding="utf-8") as out:
        out.write(f"{name}{' '.join(more)}\n")
    if speed == 0:
        print("3 answers are wrong", file=sys.stderr)
        return 1
    latency = {name: 1e6 * factor / (machine * speed)
               for name, factor in (("p50", 1), ("p90", 2), ("p99", 3), ("p999", 4), ("max", 5), ("mean", 1))}
    json.dump({"mode": options.mode, "per_second": machine * speed, "count": int(machine * speed),
               "broker_cpu_us": 1 / speed, "generator_load": 0.5, "broker_rss_bytes": 1e6 / speed,
               "rss_after_bytes": 1e6 / speed, "connections": options.connections,
               "bytes_per_connection": 1000 / speed, "bytes_per_subscription": 100 / speed,
               "match_us": 10 / speed, "wrong": 0, "missing": 0, "latency_us": latency,
               "percentiles": [[50, latency["p50"]], [99, latency["p99"]], [99.9, latency["p999"]]]}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
