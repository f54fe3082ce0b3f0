"""Who takes part. A peer has a role, which says what its numbers are for:

    wilco    what is measured
    variant  Wilco again, used or started otherwise; only in the cases that name it
    mqtt     another MQTT broker: the best of these is what Wilco is compared to
    other    a broker with a protocol of its own, beside the comparison
    limit    a relay of ours that does next to nothing: what the machine can do
"""
import dataclasses
import shlex
import shutil

EVERYTHING = frozenset({"request", "publish", "idle", "subscribe", "churn", "connect", "retained",
                        "qos1", "wildcards"})
EXCHANGE = frozenset({"request", "publish"})


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    role: str
    command: tuple                  # words; {port} and {dir} are replaced
    dialect: str = "mqtt"           # of the generator
    can: frozenset = EVERYTHING     # modes of the generator, and what they need beyond
    options: tuple = ()             # more options of the generator
    says_port: bool = False         # it chooses its port, and says "ready port=N"
    files: tuple = ()               # (name, text) to be written into {dir} before the start


MOSQUITTO_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
set_tcp_nodelay true
log_dest stderr
log_type error
connection_messages false
"""


def wilco(tool, shards=1, name="wilco", **more):
    # Nobody reads its log, and nobody wants its refusals.
    command = (tool, "broker", "--listen", "mqtt://127.0.0.1:{port}", "--shards", str(shards),
               "--set", "log_refusals_max=0")
    return Peer(name, command=command, **{"role": "wilco", **more})


def variants(tool):
    """Wilco with inboxes, and with more shards."""
    yield wilco(tool, name="wilco, inbox", role="variant", options=("--inbox",))
    for shards in (2, 4):
        yield wilco(tool, shards, f"wilco, {shards} shards", role="variant")


def mosquitto():
    """As it is packaged, with the limits lifted that would drop messages, and without Nagle's
    algorithm, which would answer QoS 1 a few times a second."""
    command = (shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", "{dir}/mosquitto.conf")
    return Peer("mosquitto", "mqtt", command, files=(("mosquitto.conf", MOSQUITTO_CONF),))


def nats(program):
    return Peer("nats-server", "other", (program, "-a", "127.0.0.1", "-p", "{port}"), "nats", EXCHANGE)


def relays(program):
    yield Peer("relay", "limit", (program,), "frames", EXCHANGE, says_port=True)
    yield Peer("relay, MQTT", "limit", (program, "--parse"), "mqtt", EXCHANGE | {"qos1", "idle"}, says_port=True)


def given(text):
    """NAME=COMMAND of the command line."""
    name, separator, command = text.partition("=")
    if not (name and separator and command.strip()):
        raise ValueError(f"{text!r} is not NAME=COMMAND")
    return Peer(name, "mqtt", tuple(shlex.split(command)))


def installed(tool, relay, more, with_nats=True):
    """Everyone, in the order of the tables; `more` are those of the command line."""
    found = [wilco(tool), *variants(tool)]
    if shutil.which("mosquitto"):
        found.append(mosquitto())
    found += more
    program = shutil.which("nats-server")
    if with_nats and program:
        found.append(nats(program))
    found += relays(relay)
    names = [peer.name for peer in found]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ValueError(f"two peers are called {doubled.pop()!r}")
    return found
