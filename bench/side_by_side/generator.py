"""One measurement: bench_load in one of its modes against a broker that runs."""
import json
import os
import subprocess

PATIENCE_S = 60  # beyond what it was asked to measure


class GeneratorError(Exception):
    """It could not measure, or what came back was wrong; the text says so in one line."""


def words_of(options):
    """{"window": 64, "fan": True} as --window 64 --fan."""
    for name, value in options.items():
        if value is True:
            yield f"--{name}"
        elif value is not None and value is not False:
            yield from (f"--{name}", str(value))


class Generator:
    def __init__(self, program):
        self.program = str(program)

    def run(self, mode, broker, options, cores):
        """What it reports, as a dictionary."""
        command = [self.program, mode, "--port", str(broker.port), "--pid", str(broker.pid),
                   "--dialect", broker.peer.dialect, *words_of(options), *broker.peer.options]
        try:
            done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL,
                                  timeout=options.get("seconds", 0) + PATIENCE_S,
                                  preexec_fn=lambda: os.sched_setaffinity(0, cores))
        except subprocess.TimeoutExpired:
            raise GeneratorError("did not end in time") from None
        if done.returncode != 0:
            raise GeneratorError(self._complaint(done))
        try:
            result = json.loads(done.stdout)
        except ValueError:
            raise GeneratorError("printed no JSON") from None
        if not result.get("count"):
            raise GeneratorError("nothing came back in the measured time")
        return result

    @staticmethod
    def _complaint(done):
        """What it says, and what it counted if it came so far."""
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else f"exit status {done.returncode}"
        try:
            result = json.loads(done.stdout)
        except ValueError:
            return said
        return f"{said} ({result.get('wrong')} wrong, {result.get('missing')} missing of {result.get('count')})"
