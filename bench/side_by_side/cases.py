"""What is measured: one row a case.

A case is run for each peer that can do it, in turns. Its metric is what is compared; everything else that
the generator reports is kept as well. Where `over` names an option, the case is run for each of `points`
and becomes a plot. Aims are what Wilco is meant to reach; they are shown and fail nothing.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    path: str               # in the generator's result
    label: str
    unit: str               # "/s", "us", "B", "s" or ""
    more_is_better: bool = False


ROUND_TRIPS = Metric("per_second", "round trips", "/s", more_is_better=True)
MESSAGES = Metric("per_second", "messages", "/s", more_is_better=True)
CONNECTS = Metric("per_second", "connects", "/s", more_is_better=True)
CHANGES = Metric("per_second", "changes", "/s", more_is_better=True)
P50 = Metric("latency_us.p50", "p50", "us")
P99 = Metric("latency_us.p99", "p99", "us")
P999 = Metric("latency_us.p999", "p99.9", "us")
CPU = Metric("broker_cpu_us", "CPU each", "us")
CONNECTION = Metric("bytes_per_connection", "memory", "B")
MATCH = Metric("match_us", "match", "us")


@dataclasses.dataclass(frozen=True)
class Aim:
    """A bound for a metric of Wilco, or for its ratio to somebody: a peer's name, or "best"."""

    bound: float
    metric: Metric
    to: str = ""

    def is_reached_by(self, value):
        return value >= self.bound if self.metric.more_is_better else value <= self.bound


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    mode: str
    options: dict
    metric: Metric
    aims: tuple = ()
    over: str = ""
    points: tuple = (None,)
    axis: str = ""              # what the points are in a plot,
    times: int = 1              # and how many of these one point is
    placement: str = "apart"
    fresh: bool = False         # brokers are started anew for each measurement
    variants: tuple = ()        # names of those that take part
    without: tuple = ()         # names of those that do not
    only: tuple = ()            # roles, where not all take part
    counts_syscalls: bool = False
    load: float = 0             # of the greatest load: the rate is this part of it...
    load_of: str = "own"        # ... of each peer's own, or of that of the "best" other MQTT broker

    @property
    def is_plot(self):
        return bool(self.over)

    @property
    def needs(self):
        needs = {self.mode}
        if self.options.get("qos"):
            needs.add("qos1")
        if self.options.get("wildcard", "exact") != "exact":
            needs.add("wildcards")
        return needs

    def has(self, peer):
        if peer.role == "variant" and peer.name not in self.variants or peer.name in self.without:
            return False
        return self.needs <= peer.can and (not self.only or peer.role in self.only)


INBOX = ("wilco, inbox",)
SHARDS = ("wilco, 2 shards", "wilco, 4 shards")
BUSY = {"requesters": 16, "window": 64, "responders": 4}
# An open loop: what is late waits in the window.
OPEN = {"requesters": 16, "window": 4096, "responders": 4}

TABLE = [
    Case("requests", "16 requesters x 64 in flight, 4 responders", "request", BUSY, ROUND_TRIPS,
         (Aim(0.5, ROUND_TRIPS, "relay"), Aim(0.5, CPU)), variants=INBOX, counts_syscalls=True),
    Case("requests-qos1", "the same, QoS 1", "request", {**BUSY, "qos": 1}, ROUND_TRIPS,
         (Aim(0.57, ROUND_TRIPS, "relay, MQTT"), Aim(0.85, CPU)), variants=INBOX, counts_syscalls=True),
    Case("many", "1000 requesters x 1 in flight, 100 responders", "request",
         {"requesters": 1000, "window": 1, "responders": 100}, ROUND_TRIPS,
         (Aim(0.9, ROUND_TRIPS, "relay"),), variants=INBOX, counts_syscalls=True),
    Case("one", "1 requester, 1 in flight, all on one core: p50", "request",
         {"requesters": 1, "window": 1, "responders": 1}, P50, (Aim(1.1, P50, "relay"),),
         variants=INBOX, placement="together", counts_syscalls=True),
    Case("large", "16 KiB payload, 16 requesters x 16 in flight", "request",
         {"requesters": 16, "window": 16, "responders": 4, "payload": 16384}, ROUND_TRIPS,
         (Aim(0.85, ROUND_TRIPS, "relay"),), variants=INBOX),
    Case("fan-out", "fan-out 1 to 1000, messages delivered", "publish",
         {"publishers": 1, "subscribers": 1000, "fan": True}, MESSAGES, (Aim(0.8, MESSAGES, "relay"),)),
    Case("pairs", "16 to 16 publishing", "publish", {"publishers": 16, "subscribers": 16}, MESSAGES,
         (Aim(0.7, MESSAGES, "relay"), Aim(1.0, MESSAGES, "nats-server")), counts_syscalls=True),
    Case("pairs-qos1", "16 to 16 publishing, QoS 1", "publish",
         {"publishers": 16, "subscribers": 16, "qos": 1}, MESSAGES,
         (Aim(0.59, MESSAGES, "relay, MQTT"),), counts_syscalls=True),
    Case("idle", "idle connection: resident memory", "idle", {"connections": 10000}, CONNECTION,
         (Aim(600, CONNECTION),), fresh=True),
    Case("idle-subscribed", "idle connection with one subscription", "idle",
         {"connections": 10000, "subscriptions": 1}, CONNECTION, (Aim(1100, CONNECTION),), fresh=True),
    Case("open-loop", "30 000 requests/s, open loop: p99", "request", {**OPEN, "rate": 30000}, P99,
         (Aim(1.3, P99, "relay"),), variants=INBOX),
    Case("half", "half of its own greatest load, open loop: p99", "request", OPEN, P99, load=0.5),
    Case("half-best", "half of the best peer's greatest load, open loop: p99", "request", OPEN, P99,
         (Aim(1.0, P99, "best"), Aim(1.0, P999, "best")), load=0.5, load_of="best"),
    Case("connects", "connect storm: CONNECT, CONNACK, DISCONNECT, 100 at once", "connect",
         {"connections": 10000, "window": 100}, CONNECTS),
    Case("churn", "SUBSCRIBE and UNSUBSCRIBE, 16 connections", "churn", {"connections": 16}, CHANGES),
    Case("retained", "10 000 retained messages to one wildcard", "retained", {"messages": 10000}, MESSAGES,
         fresh=True),
]

HOLDERS = 100                       # connections that subscribe,
GROWTH = (10, 100, 1000, 10000)     # each to so many filters

PLOTS = [
    Case("window", "requests in flight", "request",
         {"requesters": 16, "responders": 4}, ROUND_TRIPS, over="window", points=(1, 2, 4, 8, 16, 32, 64, 128, 256),
         axis="requests in flight for each of 16 requesters"),
    Case("load", "open loop", "request", OPEN, P99, over="rate",
         points=(5000, 10000, 20000, 40000, 80000, 160000, 320000, 640000), axis="requests per second"),
    Case("memory", "idle connections", "idle", {}, CONNECTION, over="connections",
         points=(1000, 5000, 10000, 20000), axis="connections", fresh=True),
    *(Case(f"match-{kind}", title, "subscribe", {"connections": HOLDERS, "wildcard": kind}, MATCH,
           over="subscriptions", points=GROWTH, axis="subscriptions", times=HOLDERS, fresh=True)
      for kind, title in (("exact", "exact filters"), ("plus", "filters with +"), ("hash", "filters with #"))),
    Case("shards", "throughput over shards", "request", BUSY, ROUND_TRIPS, variants=SHARDS,
         placement="spread", fresh=True, only=("wilco", "variant")),
]

ALL = TABLE + PLOTS


def chosen(names):
    """The cases with these names, separated by commas; all of them for an empty text."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {case.name: case for case in ALL}
    for name in wanted:
        if name not in known:
            raise ValueError(f"no case is called {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in wanted] if wanted else ALL
