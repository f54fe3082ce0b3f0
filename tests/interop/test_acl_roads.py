"""Roads past an ACL: what a client may not publish or receive, it does not by any detour either.

Each road is a function, and runs over every kind of listener. A name before the equals sign of @road says what is
tried; it fails when one forbidden message arrives, or a refusal is not said. The file that permits is RULES; a road
that takes a right away writes another one and sends SIGHUP.
"""

import pathlib
import signal
import tempfile
import unittest

import harness
from raw_mqtt import (
    CORRELATION, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, REQUEST_RESPONSE_INFORMATION, RESPONSE_INFORMATION,
    RESPONSE_TOPIC, SESSION_EXPIRY, TOPIC_ALIAS, USER, WILL_DELAY, Client, trusting,
)  # fmt: skip

DENIED = 0x87
NOBODY = 0x10

# Everybody has what is below own/ and his name. ann is the victim, eve the attacker, bob a bystander.
RULES = """
topic readwrite open/#
topic deny open/denied/#
topic readwrite mark/#
topic write ask/#
topic read answers/#
pattern readwrite own/%c/#
pattern readwrite to-%c
pattern read ask/%c
"""

ROADS = []


def road(function):
    ROADS.append(function)
    return function


class Road:
    """What the roads walk on: a broker, one kind of listener, and the clients that were made."""

    def __init__(self, case, url, context):
        self.case, self.url, self.context, self.clients, self.marks = case, url, context, [], 0

    def client(self, name, **how):
        client = Client(self.url, name, context=self.context, **how)
        self.clients.append(client)
        return client

    def join(self, name, **how):
        client = self.client(name, **how)
        assert client.connack.code == 0, client.connack
        return client

    def stay(self, name, **how):
        """A session that outlives its connection."""
        return self.join(name, clean=False, expiry=600, **how)

    def until_mark(self, reader, writer):
        """What `reader` gets before a message that `writer` publishes now; it subscribes to mark/#."""
        self.marks += 1
        mark = f"mark {self.marks}".encode()
        writer.write_publish("mark/x", mark)
        found = []
        while True:
            packet = reader.next()
            assert packet is not None, "the server has closed"
            if packet.type != PUBLISH:
                continue
            reader.ack(packet)
            if packet.payload == mark:
                return found
            if packet.topic != "mark/x":
                found.append(packet)

    def rules(self, text):
        self.case.rules(text)

    def end(self):
        for client in self.clients:
            client.close()
        self.case.rules(RULES)


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def topics(packets):
    return [packet.topic for packet in packets]


def ann_listens(r, **how):
    ann = r.join("ann", **how)
    same(ann.subscribe("own/ann/#"), 1)
    same(ann.subscribe("mark/#"), 1)
    return ann


@road
def publish_at_any_qos(r):
    ann, eve = ann_listens(r), r.join("eve")
    eve.write_publish("own/ann/x", qos=0)
    same(eve.publish("own/ann/x", qos=1), DENIED)
    same(eve.publish("own/ann/x", qos=2), DENIED)
    same(r.until_mark(ann, eve), [])


@road
def publish_before_mqtt_5(r):
    ann, eve = ann_listens(r), r.join("eve", version=4)
    same(eve.publish("own/ann/x", qos=1), 0)  # which cannot say no
    same(eve.publish("own/ann/x", qos=2), 0)
    same(r.until_mark(ann, eve), [])


@road
def subscribe_to_it(r):
    eve = r.join("eve")
    for filter_ in ("own/ann/x", "own/ann/#", "own/ann/+", "$share/g/own/ann/x", "open/denied/x", "open/denied/#"):
        same(eve.subscribe(filter_), DENIED)
    same(r.join("eve4", version=4).subscribe("own/ann/x"), 0x80)


@road
def subscribe_to_more(r):
    ann, eve = r.join("ann"), r.join("eve")
    for filter_ in ("#", "own/#", "own/+/x", "+/ann/x", "open/#", "mark/#"):
        same(eve.subscribe(filter_), 1)
    same(ann.publish("own/ann/x"), 0)
    same(eve.publish("own/eve/x"), 0)
    same(topics(r.until_mark(eve, ann)), ["own/eve/x"])


@road
def deny_below_a_wildcard(r):
    eve = r.stay("eve")
    same(eve.subscribe("open/#"), 1)
    same(eve.subscribe("mark/#"), 1)
    same(eve.publish("open/denied/x"), DENIED)
    r.rules(RULES.replace("topic deny open/denied/#", ""))
    bob = r.join("bob")
    same(bob.publish("open/denied/kept", "kept", retain=True), 0)
    same(topics(r.until_mark(eve, bob)), ["open/denied/kept"])
    eve.close()
    same(bob.publish("open/denied/queued"), 0)
    r.rules(RULES)
    eve = r.stay("eve")
    same(eve.subscribe("open/#"), 1)
    same(r.until_mark(eve, bob), [])
    r.rules(RULES.replace("topic deny open/denied/#", ""))
    same(bob.publish("open/denied/kept", "", retain=True), 0)


@road
def be_a_member_of_a_group(r):
    ann, eve = r.join("ann"), r.join("eve")
    for client in (ann, eve):
        same(client.subscribe("$share/g/own/#"), 1)
        same(client.subscribe("mark/#"), 1)
    for _ in range(10):
        same(ann.publish("own/ann/x"), 0)
    same(r.until_mark(eve, ann), [])
    same(len(r.until_mark(ann, ann)), 10)
    same(eve.publish("own/eve/x"), 0)
    same(topics(r.until_mark(eve, ann)), ["own/eve/x"])


@road
def be_the_only_member_of_a_group(r):
    ann, eve = r.join("ann"), r.join("eve")
    same(eve.subscribe("$share/alone/own/#"), 1)
    same(eve.subscribe("mark/#"), 1)
    same(ann.publish("own/ann/x"), NOBODY)
    same(r.until_mark(eve, ann), [])


@road
def read_what_is_retained(r):
    ann, eve = r.join("ann"), r.join("eve")
    same(eve.subscribe("mark/#"), 1)
    ann.publish("own/ann/kept", retain=True)
    same(eve.subscribe("own/#"), 1)
    same(eve.subscribe("#"), 1)
    same(r.until_mark(eve, ann), [])
    ann.publish("own/ann/kept", "", retain=True)


@road
def replace_or_remove_what_is_retained(r):
    ann, eve = r.join("ann"), r.join("eve")
    ann.publish("own/ann/kept", "mine", retain=True)
    same(eve.publish("own/ann/kept", "yours", retain=True), DENIED)
    same(eve.publish("own/ann/kept", "", retain=True), DENIED)
    eve.write_publish("own/ann/kept", "", retain=True)
    eve.ping()
    ann.subscribe("own/ann/kept")
    same([p.payload for p in ann.ping()], [b"mine"])
    ann.publish("own/ann/kept", "", retain=True)


@road
def what_a_revoked_publisher_has_retained(r):
    eve, bob = r.join("eve"), r.join("bob")
    same(eve.publish("open/kept", retain=True), NOBODY)
    less = RULES.replace("topic readwrite open/#", "topic read open/#")
    r.rules(less)
    bob.subscribe("open/kept")
    bob.subscribe("open/#")
    same(bob.ping(), [])
    r.rules(RULES)
    bob.subscribe("open/#")
    same(topics(bob.ping()), ["open/kept"])
    same(eve.publish("open/kept", "", retain=True), 0)


@road
def a_will(r):
    ann = ann_listens(r)
    for topic in ("own/ann/x", "open/denied/x", "$SYS/x", "$CONTROL/x", "$r/x", "$SRV/PING"):
        same(r.client("eve", will={"topic": topic}).connack.code, DENIED)
    same(r.client("eve4", version=4, will={"topic": "own/ann/x"}).connack.code, 5)
    same(r.client("eve", will={"topic": "open/x", "properties": [(RESPONSE_TOPIC, "own/ann/x")]}).connack.code, DENIED)
    same(r.until_mark(ann, r.join("bob")), [])


@road
def a_will_that_is_sent_after_revocation(r):
    bob = r.join("bob")
    same(bob.subscribe("open/#"), 1)
    same(bob.subscribe("mark/#"), 1)
    for eve in (r.join("eve", will={"topic": "open/will", "qos": 1}),
                r.join("eve2", expiry=600, will={"topic": "open/late", "qos": 1, "retain": True,
                                                 "properties": [(WILL_DELAY, 1)]})):  # fmt: skip
        same(eve.publish("open/x"), 0)
    same(len(r.until_mark(bob, eve)), 2)
    r.rules(RULES.replace("topic readwrite open/#", "topic read open/#"))
    for client in r.clients[1:]:
        client.disconnect(0x04)
    r.case.broker_line("access_denied.*open/late")
    same(r.until_mark(bob, r.join("cy")), [])


@road
def topic_aliases(r):
    ann, eve = ann_listens(r), r.join("eve")
    same(eve.publish("open/x", values=[(TOPIC_ALIAS, 1)]), NOBODY)
    same(eve.publish("own/ann/x", values=[(TOPIC_ALIAS, 1)]), DENIED)
    same(eve.publish("", values=[(TOPIC_ALIAS, 1)]), DENIED)
    eve.write_publish("own/ann/y", values=[(TOPIC_ALIAS, 2)])
    same(eve.publish("", values=[(TOPIC_ALIAS, 2)], qos=2), DENIED)
    same(r.until_mark(ann, eve), [])


@road
def a_response_topic_of_somebody_else(r):
    ann, bob, eve = ann_listens(r), r.join("bob"), r.join("eve")
    same(bob.subscribe("ask/bob"), 1)
    same(bob.subscribe("mark/#"), 1)
    for topic in ("own/ann/x", "open/denied/x", "$SYS/x", "$r/0123456789abcdef", "$SRV/PING"):
        same(eve.publish("ask/bob", values=[(RESPONSE_TOPIC, topic)]), DENIED)
    same(r.until_mark(bob, eve), [])
    same(r.until_mark(ann, eve), [])


def ask_bob(r, place="answers/x"):
    """cy asks, bob is asked; both of them."""
    bob, cy = r.join("bob"), r.join("cy")
    same(bob.subscribe("ask/bob"), 1)
    same(cy.subscribe(place), 1)
    same(cy.subscribe("mark/#"), 1)
    same(cy.publish("ask/bob", values=[(RESPONSE_TOPIC, place), (CORRELATION, "c1")]), 0)
    request = bob.expect(PUBLISH)
    bob.ack(request)
    return bob, cy


@road
def an_answer_for_others_than_who_asked(r):
    """bob may not publish to answers/; who asked gets his answer, who listens there does not."""
    ann = r.join("ann")
    same(ann.subscribe("answers/#"), 1)
    same(ann.subscribe("mark/#"), 1)
    bob, cy = ask_bob(r)
    same(bob.publish("answers/x", "unasked"), DENIED)
    same(bob.publish("answers/x", "kept", values=[(CORRELATION, "c1")], retain=True), DENIED)
    same(bob.publish("answers/x", "answer", values=[(CORRELATION, "c1")]), 0)
    same(bob.publish("answers/x", "again", values=[(CORRELATION, "c1")]), DENIED)
    same([p.payload for p in r.until_mark(cy, bob)], [b"answer"])
    same(r.until_mark(ann, bob), [])
    same(ann.subscribe("answers/#"), 1)
    same(ann.ping(), [])


@road
def an_answer_by_somebody_else(r):
    bob, cy = ask_bob(r)
    same(r.join("eve").publish("answers/x", "forged", values=[(CORRELATION, "c1")]), DENIED)
    same(bob.publish("answers/y", "elsewhere", values=[(CORRELATION, "c1")]), DENIED)
    same(bob.publish("answers/x", "other", values=[(CORRELATION, "c2")]), DENIED)
    same(bob.publish("answers/x", "answer", values=[(CORRELATION, "c1")]), 0)
    same([p.payload for p in r.until_mark(cy, bob)], [b"answer"])


@road
def an_answer_after_revocation(r):
    bob, cy = ask_bob(r)
    r.rules(RULES.replace("topic read answers/#", ""))
    bob.publish("answers/x", "answer", values=[(CORRELATION, "c1")])
    same(r.until_mark(cy, bob), [])


@road
def the_inbox_of_somebody_else(r):
    ann = r.join("ann", connect_properties=[(REQUEST_RESPONSE_INFORMATION, 1), (USER, ("rr", "1"))])
    same(ann.subscribe("mark/#"), 1)
    inbox = ann.connack.properties[RESPONSE_INFORMATION].decode()
    eve = r.join("eve")
    for filter_ in (inbox, inbox + "/#", "$r/#", "$r/+", "$share/g/" + inbox):
        same(eve.subscribe(filter_), DENIED)
    same(eve.publish(inbox, "forged", values=[(CORRELATION, "c1")]), DENIED)
    same(eve.publish(inbox + "/x", "forged"), DENIED)
    same(eve.publish("ask/bob", values=[(RESPONSE_TOPIC, inbox)]), DENIED)
    same(r.until_mark(ann, eve), [])
    same(ann.subscribe(inbox + "/#"), 1)  # needs no line


@road
def words_about_requests(r):
    eve = r.join("eve", connect_properties=[(USER, ("rr", "1"))])
    same(eve.publish("own/ann/x", values=[(RESPONSE_TOPIC, "own/eve/x"), (CORRELATION, "c"),
                                          (USER, ("rr-op", "cancel"))]), DENIED)  # fmt: skip


@road
def the_broker_itself(r):
    eve = r.join("eve", connect_properties=[(REQUEST_RESPONSE_INFORMATION, 1), (USER, ("rr", "1"))])
    inbox = eve.connack.properties[RESPONSE_INFORMATION].decode()
    for filter_ in ("$SYS/#", "$SYS/broker/uptime", "$SYS/+/uptime", "$SRV/EVENT/#"):
        same(eve.subscribe(filter_), DENIED)
    same(eve.publish("$SYS/x"), DENIED)
    same(eve.publish("$SRV/PING", values=[(RESPONSE_TOPIC, inbox)]), DENIED)
    same(eve.subscribe("#"), 1)
    same([t for t in topics(eve.ping()) if t.startswith("$S")], [])


@road
def an_answer_of_the_broker(r):
    """It answers questions where the asker may listen, but not publish: only to him."""
    r.rules(RULES + "topic write $SRV/#\n")
    bob, eve = r.join("bob"), r.join("eve")
    for client in (bob, eve):
        same(client.subscribe("answers/x"), 1)
        same(client.subscribe("mark/#"), 1)
    eve.publish("$SRV/PING", values=[(RESPONSE_TOPIC, "answers/x")])
    same(topics(r.until_mark(eve, eve)), ["answers/x"])
    same(r.until_mark(bob, eve), [])


@road
def names_with_wildcards(r):
    ann = ann_listens(r)
    for name in ("+", "#", "ann/x", "ann/#", "+/x"):
        eve = r.join(name)
        same(eve.publish("own/ann/x"), DENIED)
        same(eve.publish("own/ann/x/y"), DENIED)
        same(eve.subscribe("own/ann/#"), DENIED)
        same(eve.subscribe("own/#"), DENIED)
    same(r.until_mark(ann, r.join("bob")), [])


@road
def a_subscription_that_is_there_when_the_right_goes(r):
    eve, bob = r.join("eve"), r.join("bob")
    same(eve.subscribe("open/#"), 1)
    same(eve.subscribe("$share/g/open/shared"), 1)
    same(eve.subscribe("mark/#"), 1)
    same(bob.publish("open/x"), 0)
    same(topics(r.until_mark(eve, bob)), ["open/x"])
    r.rules(RULES.replace("topic readwrite open/#", "topic write open/#"))
    same(bob.publish("open/x", retain=True), 0)
    bob.publish("open/shared")
    same(r.until_mark(eve, bob), [])
    same(bob.publish("open/x", "", retain=True), 0)


@road
def a_session_that_comes_back_when_the_right_has_gone(r):
    eve, bob = r.stay("eve"), r.join("bob")
    same(eve.subscribe("open/#"), 1)
    same(eve.subscribe("mark/#"), 1)
    same(bob.publish("open/x", "in flight"), 0)
    same(eve.expect(PUBLISH).payload, b"in flight")  # and is not acknowledged
    eve.close()
    for qos in (1, 2):
        same(bob.publish("open/x", "queued", qos=qos), 0)
    r.rules(RULES.replace("topic readwrite open/#", "topic write open/#"))
    same(bob.publish("open/x", "later"), 0)
    eve = r.stay("eve")
    same(eve.connack.session_present, 1)
    same(r.until_mark(eve, bob), [])
    r.rules(RULES)
    same(bob.publish("open/x", "again"), 0)
    same([p.payload for p in r.until_mark(eve, bob)], [b"again"])


@road
def what_waits_for_a_slow_client(r):
    eve, bob = r.join("eve", connect_properties=[(0x21, 1)]), r.join("bob")  # Receive Maximum 1
    same(eve.subscribe("open/#"), 1)
    same(eve.subscribe("mark/#", 0), 0)
    for number in range(3):
        same(bob.publish("open/x", f"{number}"), 0)
    first = eve.expect(PUBLISH)
    same(first.payload, b"0")
    r.rules(RULES.replace("topic readwrite open/#", "topic write open/#"))
    eve.ack(first)
    eve.ping()
    same(r.until_mark(eve, bob), [])


@road
def qos_2_under_way(r):
    """Routed when it is published; nothing more goes out at its release."""
    eve, bob = r.join("eve"), r.join("bob")
    same(bob.subscribe("open/#", 2), 2)
    same(bob.subscribe("mark/#"), 1)
    eve.write_publish("open/x", "once", qos=2, packet_id=7)
    same(eve.expect(PUBREC).code, 0)
    message = bob.expect(PUBLISH)
    bob.send(PUBREC << 4, message.id.to_bytes(2, "big"))
    bob.expect(PUBREL)
    r.rules(RULES.replace("topic readwrite open/#", "topic read open/#"))
    eve.write_publish("open/x", "once", qos=2, packet_id=7)  # again, before its release
    same(eve.expect(PUBREC).code, 0)
    eve.send(PUBREL << 4 | 2, (7).to_bytes(2, "big"))
    eve.expect(PUBCOMP)
    bob.send(PUBREL << 4 | 2, message.id.to_bytes(2, "big"))
    same(eve.publish("open/x", "new", qos=2), DENIED)
    same([p for p in r.until_mark(bob, eve) if p.type == PUBLISH], [])


@road
def an_empty_file(r):
    eve = r.join("eve")
    for text in ("", "# topic #\n\n", "user somebody\n"):
        r.rules(text)
        same(eve.publish("open/x"), DENIED)
        same(eve.subscribe("open/x"), DENIED)
        same(eve.subscribe("#"), DENIED)


@road
def a_file_that_is_wrong(r):
    """Then the last one that was not goes on."""
    eve = r.join("eve")
    r.case.refused_rules("topic readwrite own/#\ntopic everything #\n", "line 2")
    same(eve.publish("own/ann/x"), DENIED)
    same(eve.publish("open/x"), NOBODY)


@road
def before_who_is_asked_is_known(r):
    """The Client Identifier that the broker assigns is what the patterns know."""
    eve = r.client("", connect_properties=[(SESSION_EXPIRY, 0)])
    same(eve.connack.code, 0)
    name = eve.connack.properties[0x12].decode()
    same(eve.publish(f"own/{name}/x"), NOBODY)
    same(eve.publish("own//x"), DENIED)


class Roads(unittest.TestCase):
    """One broker with a listener of each kind."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "acl").write_text(RULES)
        config = self.folder / "wilco.conf"
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        harness.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=broker",
            "-addext", "subjectAltName=IP:127.0.0.1",
        )  # fmt: skip
        self.context = trusting(certificate)
        tls = f"certfile {certificate}\nkeyfile {key}\n"
        config.write_text(
            f"listen mqtt://127.0.0.1:0\nlisten unix:{self.folder}/socket\nlisten ws://127.0.0.1:0\n"
            f"listen mqtts://127.0.0.1:0\n{tls}listen wss://127.0.0.1:0\n{tls}"
            f"shards 2\nacl_file {self.folder}/acl\nlog_refusals_max 1000000\n"
        )
        self.broker = harness.Program(harness.WILCO, "broker", "--config", config)
        self.addCleanup(self.broker.stop)
        ready = self.broker.line("event=ready", "stderr").string
        self.urls = [word[len("listen=") :] for word in ready.split() if word.startswith("listen=")]

    def broker_line(self, pattern):
        self.broker.line(pattern, "stderr")

    def rules(self, text):
        (self.folder / "acl").write_text(text)
        self.broker.process.send_signal(signal.SIGHUP)
        self.broker_line("event=reloaded")

    def refused_rules(self, text, where):
        (self.folder / "acl").write_text(text)
        self.broker.process.send_signal(signal.SIGHUP)
        self.broker_line(f"event=reload_problem.*{where}")
        self.broker_line("event=reload_refused")

    def test_no_road_leads_past(self):
        self.assertGreaterEqual(len(ROADS), 24)
        self.assertEqual(len(self.urls), 5)
        for url in self.urls:
            for walk in ROADS:
                with self.subTest(road=walk.__name__, url=url):
                    r = Road(self, url, self.context)
                    try:
                        walk(r)
                    finally:
                        r.end()


if __name__ == "__main__":
    unittest.main()
