#!/usr/bin/env python3
"""Runs the interoperability tests of Eclipse Paho (paho.mqtt.testing) against wilco.

    make conformance SUITE=/path/to/a/clone/of/paho.mqtt.testing
    scripts/conformance_suite.py --wilco build/wilco /path/to/clone [CASE]...

Nothing of the suite is part of this project: it is read from the clone. Each case runs in a process of its own
against a broker of its own, so that a case that fails leaves nothing behind for the next one. Several run at the
same time, as they mostly wait; what fails then gets a second chance alone. CASE is a part of a name such as
client_test5.test_will_delay; none means all.

The last lines are "N passed, N failed" and the cases that failed. The exit status is 0 when exactly those failed
that docs/conformance_suite.md explains, so that both a new failure and a mended one are noticed.
"""

import argparse
import concurrent.futures
import contextlib
import importlib
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve()
EXPLAINED = HERE.parent.parent / "docs" / "conformance_suite.md"
CASE_TIMEOUT_S = 120
AT_ONCE = 6
# With a Maximum Packet Size above 65534 the suite leaves out half of test_maximum_packet_size;
# test_server_keep_alive asks for 120 seconds and expects that the broker insists on 60.
BROKER_OPTIONS = [
    *("--listen", "mqtt://127.0.0.1:0"),
    *("--set", "packet_bytes_max=32768"),
    *("--set", "keep_alive_max_s=60"),
]

# The suite's programs set these under `if __name__ == "__main__"`, which an import skips.
PROGRAMS = {
    "client_test": {
        "topics": ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA"),
        "wildtopics": ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#"),
        "nosubscribe_topics": ("test/nosubscribe",),
    },
    "client_test5": {"topic_prefix": "client_test5/"},
}
# Cases that the suite's own loader overlooks, because of their names.
OVERLOOKED = {"client_test": ["will_message_test"], "client_test5": []}


def load(folder, program):
    """The suite's program as a module."""
    sys.path.insert(0, str(folder))
    module = importlib.import_module(program)
    for name, value in PROGRAMS[program].items():
        setattr(module, name, value)
    return module


def names(folder):
    """Every case of every program, as program.case."""
    found = []
    for program in PROGRAMS:
        test = load(folder, program).Test
        cases = unittest.TestLoader().getTestCaseNames(test) + OVERLOOKED[program]
        found += [f"{program}.{case}" for case in cases]
    return found


def run_here(folder, name, port):
    """Runs one case in this process, against the broker on that port of this machine."""
    program, case = name.split(".")
    module = load(folder, program)
    module.host = "127.0.0.1"
    module.port = port
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite([module.Test(case)]))
    return 0 if result.wasSuccessful() and result.testsRun == 1 else 1


@contextlib.contextmanager
def broker(wilco, options):
    """A broker for as long as it is needed; gives its port."""
    process = subprocess.Popen(
        [wilco, "broker", *BROKER_OPTIONS, *options], stderr=subprocess.PIPE, text=True
    )
    try:
        said = ""
        for line in process.stderr:
            said += line
            ready = re.search(r"event=ready .*listen=mqtt://[0-9.]+:(\d+)", line)
            if ready:
                yield int(ready.group(1))
                break
        else:
            raise RuntimeError(f"the broker did not start: {said}")
    finally:
        process.terminate()
        process.communicate()


def run_case(arguments, name):
    """Runs one case in a process of its own; gives whether it passed, and what it printed."""
    with broker(arguments.wilco, arguments.option) as port:
        command = [sys.executable, str(HERE), "--port", str(port), str(arguments.clone), name]
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CASE_TIMEOUT_S,
                text=True,
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            return False, f"{said}\nnot ended after {CASE_TIMEOUT_S} s\n"
        return done.returncode == 0, done.stdout


def explained():
    """The cases that docs/conformance_suite.md has a row for."""
    return set(re.findall(r"^\| `(client_test5?\.\w+)`", EXPLAINED.read_text(), re.MULTILINE))


def run_all(arguments, chosen):
    """Runs the cases, prints the result, and gives the exit status."""
    failed = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, (passed, said) in zip(
            chosen, pool.map(lambda name: run_case(arguments, name), chosen)
        ):
            print(f"{'pass' if passed else 'FAIL'} {name}", flush=True)
            if not passed:
                failed[name] = said
    known = explained() & set(chosen)
    # The suite sleeps for so long and no longer, which may be too short while others run as well.
    for name in sorted(failed.keys() - known):
        passed, said = run_case(arguments, name)
        print(f"{'pass' if passed else 'FAIL'} {name}, alone", flush=True)
        if passed:
            del failed[name]
        else:
            failed[name] = said
    for name in failed.keys() - known:
        print(f"\n--- {name}\n{failed[name]}")
    print(f"\n{len(chosen) - len(failed)} passed, {len(failed)} failed")
    for name in failed:
        where = "see docs/conformance_suite.md" if name in known else "not explained"
        print(f"  {name}: {where}")
    for name in sorted(known - failed.keys()):
        print(f"  {name}: passed, but docs/conformance_suite.md says that it fails")
    return 0 if failed.keys() == known else 1


def main():
    """Parses the command line: for people, and with --port for the process of one case."""
    parser = argparse.ArgumentParser(description="Runs Paho's interoperability tests against wilco.")
    parser.add_argument("--wilco", default="build/wilco", help="the tool (build/wilco)")
    parser.add_argument("--option", action="append", default=[], help="for wilco broker")
    parser.add_argument("--port", type=int, help="run one case here, against this port")
    parser.add_argument("clone", type=pathlib.Path, help="a clone of paho.mqtt.testing")
    parser.add_argument("case", nargs="*", help="run only cases with this in their names")
    arguments = parser.parse_args()
    folder = arguments.clone.resolve() / "interoperability"
    if not (folder / "client_test5.py").is_file():
        parser.error(f"no clone of eclipse/paho.mqtt.testing: {arguments.clone}")
    sys.dont_write_bytecode = True
    if arguments.port is not None:
        return run_here(folder, arguments.case[0], arguments.port)
    chosen = [
        name
        for name in names(folder)
        if not arguments.case or any(part in name for part in arguments.case)
    ]
    if not chosen:
        parser.error("no case has such a name")
    return run_all(arguments, chosen)


if __name__ == "__main__":
    sys.exit(main())
