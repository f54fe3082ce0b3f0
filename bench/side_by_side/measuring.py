"""All measurements, in turns.

A round measures every peer once, one after the other, and each round begins with another one. So what
the machine does to one of them it does to all, and ratios are taken within a round. Brokers are started
when they are first needed and stay; a case that says `fresh` starts them for each measurement."""
import contextlib
import dataclasses
import pathlib
import resource
import statistics

from side_by_side import cases as the_cases
from side_by_side import syscalls
from side_by_side.broker import Broker, BrokerError
from side_by_side.generator import GeneratorError

SATURATED = 0.9             # of an open loop's rate: below, more load says nothing more
SPARE_DESCRIPTORS = 200     # of broker and generator, for all but their connections
PER_ADDRESS = 20000         # connections from one source address
OVERHEAD_S = 0.5            # of a measurement, roughly: for the progress only


@dataclasses.dataclass
class Run:
    """One measurement of one peer: what the generator reported, or why there is nothing."""

    case: str
    peer: str
    point: object
    round: int
    result: dict | None = None
    failure: str | None = None


@dataclasses.dataclass
class Measured:
    """Everything, as it came."""

    runs: list = dataclasses.field(default_factory=list)
    syscalls: dict = dataclasses.field(default_factory=dict)    # (case, peer) -> for each counted thing

    def of(self, case, peer, point=None):
        return [run for run in self.runs if (run.case, run.peer, run.point) == (case, peer, point)]


def in_turns(peers, rounds):
    """(round, peer): each round has every peer once, and begins with another one."""
    for number in range(rounds):
        turn = number % len(peers) if peers else 0
        for peer in peers[turn:] + peers[:turn]:
            yield number, peer


def raise_descriptor_limit():
    """To what is allowed; brokers and generator inherit it. Connections that one process can hold then."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE_DESCRIPTORS


class Bench:
    def __init__(self, peers, generator, cores, folder, progress, rounds=3, seconds=1.0, warmup=0.3):
        self.peers = peers
        self.generator = generator
        self.cores = cores
        self.folder = pathlib.Path(folder)
        self.progress = progress
        self.rounds = rounds
        self.lengths = {"seconds": seconds, "warmup": warmup}
        self.connections_max = raise_descriptor_limit()
        self.brokers = {}
        self.measured = Measured()

    def run(self, cases):
        self.progress.planned = sum(self._cost(case) for case in cases)
        try:
            self._start_all(cases)
            for case in cases:
                self._run_case(case)
        finally:
            self._stop_all()
            self.progress.end()
        return self.measured

    def _peers_of(self, case):
        return [peer for peer in self.peers if case.has(peer)]

    def _cost(self, case):
        once = sum(self.lengths.values()) + OVERHEAD_S
        traced = sum(syscalls.RUNS_S) + 2 * OVERHEAD_S if self._counts_syscalls(case) else 0
        return len(self._peers_of(case)) * (once * self.rounds * len(case.points) + traced)

    @staticmethod
    def _counts_syscalls(case):
        return case.counts_syscalls and syscalls.is_available()

    def _run_case(self, case):
        for point in case.points:
            for number, peer in in_turns(self._peers_of(case), self.rounds):
                where = f"{case.over} {point}, " if case.is_plot else ""
                self.progress.say(case.name, f"{where}{peer.name}, round {number + 1} of {self.rounds}")
                if not self._is_beyond(case, peer, point):
                    self._run_once(case, peer, point, number)
                self.progress.advance(sum(self.lengths.values()) + OVERHEAD_S)
        if self._counts_syscalls(case):
            self._count_syscalls(case)

    def _run_once(self, case, peer, point, number):
        run = Run(case.name, peer.name, point, number)
        try:
            options = self._options(case, peer, point)
            with self._broker(case, peer) as broker:
                run.result = self._generate(case, broker, options)
        except (BrokerError, GeneratorError) as error:
            run.failure = str(error)
            self.progress.warn(f"{case.name}: {peer.name}: {error}")
        self.measured.runs.append(run)

    def _generate(self, case, broker, options):
        return self.generator.run(case.mode, broker, options, self.cores.of_generator(case.placement))

    def _count_syscalls(self, case):
        for peer in self._peers_of(case):
            self.progress.say(case.name, f"system calls of {peer.name}")
            with contextlib.suppress(BrokerError, GeneratorError), self._broker(case, peer) as broker:
                options = {**self._options(case, peer, None), "warmup": 0}
                self.measured.syscalls[case.name, peer.name] = syscalls.count(
                    lambda seconds: self._generate(case, broker, {**options, "seconds": seconds}),
                    broker.pid)
            self.progress.advance(sum(syscalls.RUNS_S) + 2 * OVERHEAD_S)

    @contextlib.contextmanager
    def _broker(self, case, peer):
        """The running broker of a peer, or one that runs for this block only."""
        cores = self.cores.of_broker(case.placement)
        if case.fresh:
            broker = Broker(peer, self.folder / f"{peer.name} fresh", cores)
            try:
                broker.start()
                yield broker
            finally:
                broker.stop()
            return
        broker = self.brokers.setdefault(peer.name, Broker(peer, self.folder / peer.name, cores))
        if not broker.is_running():
            broker.start()
        yield broker

    def _start_all(self, cases):
        """So that one which does not start is noticed before anything is measured."""
        for case in cases:
            for peer in self._peers_of(case):
                with self._broker(case, peer):
                    pass

    def _stop_all(self):
        for broker in self.brokers.values():
            broker.stop()
        self.brokers = {}

    def _options(self, case, peer, point):
        options = {**case.options, **self.lengths}
        if case.over:
            options[case.over] = point
        if case.load:
            options["rate"] = self._part_of_greatest(case, peer)
        if case.mode == "idle":
            options["connections"] = min(options["connections"], self.connections_max)
            options["sources"] = -(-options["connections"] // PER_ADDRESS)
        return options

    def _part_of_greatest(self, case, peer):
        if case.load_of == "own":
            return int(case.load * self._greatest(peer))
        others = [other for other in self.peers if other.role == "mqtt"] or [peer]
        return int(case.load * max(self._greatest(other) for other in others))

    def _greatest(self, peer):
        """The median of the busiest case, which is measured once if it was not chosen."""
        busy = the_cases.TABLE[0]
        if not self.measured.of(busy.name, peer.name):
            self._run_once(busy, peer, None, 0)
        found = [run.result["per_second"] for run in self.measured.of(busy.name, peer.name) if run.result]
        if not found:
            raise GeneratorError("its greatest load is not known")
        return statistics.median(found)

    def _is_beyond(self, case, peer, point):
        """An open loop that this peer could not follow at a smaller rate."""
        if case.over != "rate":
            return False
        return any(run.failure or run.result["per_second"] < SATURATED * run.point
                   for run in self.measured.runs
                   if (run.case, run.peer) == (case.name, peer.name) and run.point < point)
