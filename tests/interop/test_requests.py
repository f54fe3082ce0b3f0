"""What the broker does for requests, seen by clients that we did not write: inboxes, who may answer, and what is
said when nobody will."""

import json
import signal
import time
import unittest

from harness import HERE, PYTHON, BrokerCase, Program, run

SERVICE = "service/x"


class Peer(Program):
    """A client on stock Paho (paho_peer.py), once it is connected."""

    def __init__(self, port, client_id, **options):
        super().__init__(PYTHON, HERE / "paho_peer.py", port, client_id, json.dumps(options))
        self.connected = self.sees("connected")
        self.inbox = self.connected["information"]

    def sees(self, what):
        """The next thing it sees, which is of this kind."""
        kind, _, seen = self.line("").string.partition(" ")
        if kind != what:
            raise AssertionError(f"{kind} {seen}, not {what}: {self}")
        return json.loads(seen)

    def do(self, do, **how):
        self.send(json.dumps({"do": do, **how}) + "\n")

    def subscribe(self, topic_filter, qos=0):
        self.do("subscribe", filter=topic_filter, qos=qos)
        return self.sees("subscribed")["codes"][0]

    def ask(self, correlation, topic=SERVICE, qos=0, response_topic=None, **how):
        self.do("publish", topic=topic, response_topic=response_topic or self.inbox, correlation=correlation,
                payload="question", qos=qos, **how)  # fmt: skip

    def leave(self):
        """Ends in order; its session may go on."""
        self.do("disconnect")
        self.wait()


class RequestCase(BrokerCase):
    shards = 4

    def peer(self, client_id, **options):
        peer = Peer(self.port, client_id, **options)
        self.programs.append(peer)
        return peer

    def requester(self, **options):
        return self.peer("requester", information=True, rr=True, **options)

    def responder(self, client_id="responder", qos=1, **options):
        peer = self.peer(client_id, **options)
        self.assertEqual(peer.subscribe(SERVICE, qos), qos)
        return peer

    def check_message(self, peer, payload, correlation):
        seen = peer.sees("message")
        self.assertEqual((seen["payload"], seen["correlation"]), (payload, correlation))
        return seen

    def check_status(self, peer, correlation, **want):
        """A status response of the broker's; "stat" stands for `__stat`, "exec" for `rr-exec` and so on."""
        user = dict(self.check_message(peer, "", correlation)["user"])
        self.assertEqual(user["rr-src"], "broker")
        self.assertEqual({"stat": user["__stat"], "stage": user["rr-stage"], "exec": user["rr-exec"]}, want)


class Inbox(RequestCase):
    """C2, C32 and C33."""

    def check_exchange(self, requester, responder, correlation):
        requester.ask(correlation)
        self.check_message(responder, "question", correlation)
        responder.do("answer", payload="answer")
        self.assertEqual(self.check_message(requester, "answer", correlation)["topic"], requester.inbox)

    def test_no_subscribe_also_after_resume(self):
        responder = self.responder()
        first = self.requester(lasts=True)
        self.assertRegex(first.inbox, r"^\$r/[A-Za-z0-9_-]{16}$")
        self.check_exchange(first, responder, "one")
        first.leave()
        again = self.requester(lasts=True)
        self.assertTrue(again.connected["session_present"])
        self.assertEqual(again.inbox, first.inbox)
        self.check_exchange(again, responder, "two")
        self.assertNotEqual(self.peer("other", information=True).inbox, first.inbox)

    def test_an_answer_waits_for_who_is_away(self):
        responder = self.responder()
        first = self.requester(lasts=True)
        first.ask("c", qos=1)
        self.check_message(responder, "question", "c")
        first.stop(signal.SIGKILL)
        responder.do("answer", payload="answer", qos=1)
        again = self.requester(lasts=True)
        self.check_message(again, "answer", "c")

    def test_only_for_who_asks(self):
        self.assertIsNone(self.peer("plain").inbox)
        self.assertIsNone(self.peer("only-rr", rr=True).inbox)

    def test_information_alone_brings_nothing(self):
        """T14: Node-RED always asks for it."""
        responder = self.responder()
        requester = self.peer("node-red", information=True)
        requester.ask("unseen")
        self.check_message(responder, "question", "unseen")
        responder.do("answer", payload="unseen")
        requester.ask("none", topic="nobody", qos=1)
        self.assertEqual(requester.sees("acknowledged"), {"packet": "Puback", "code": 0x10})
        self.assertEqual(requester.subscribe(requester.inbox + "/#", 1), 1)
        self.check_exchange(requester, responder, "seen")

    def test_eavesdroppers(self):
        requester, responder = self.requester(), self.responder()
        everything = self.start_subscriber("-V", "5", "-t", "#", "-F", "got %t %p")
        levels = self.start_subscriber("-t", "+/+", "-t", "+/+/+", "-F", "got %t %p")
        for topic_filter in ("$r/#", "$r/+", requester.inbox, requester.inbox + "/#",
                             f"$share/g/{requester.inbox}", "$share/g/$r/#"):  # fmt: skip
            with self.subTest(topic_filter):
                spy = self.start("stdbuf", "-oL", "mosquitto_sub", "-p", self.port, "-V", "5", "-d", "-t", topic_filter)
                self.assertEqual(spy.line("^Subscribed .*: (.*)$")[1], "135")
                self.assertEqual(spy.wait(), 0)  # denied, it ends by itself; a signal may meet it doing so, and hang it
        self.check_exchange(requester, responder, "c")
        requester.ask("late", topic="elsewhere", user=[["rr-ttl", "100"]])
        self.check_status(requester, "late", stat="504", stage="delivered", exec="maybe")
        run("mosquitto_pub", "-p", self.port, "-q", "1", "-t", "the/end", "-m", "x")
        self.assertEqual(everything.line("^got ").string, f"got {SERVICE} question")
        self.assertEqual(everything.line("^got ").string, "got elsewhere question")
        self.assertEqual(everything.line("^got ").string, "got the/end x")
        self.assertEqual(levels.line("^got ").string, f"got {SERVICE} question")
        self.assertEqual(levels.line("^got ").string, "got the/end x")

    def test_nothing_is_retained(self):
        requester, responder = self.requester(), self.responder()
        requester.ask("c")
        self.check_message(responder, "question", "c")
        responder.do("answer", payload="answer", retain=True)
        self.assertFalse(self.check_message(requester, "answer", "c")["retain"])
        requester.subscribe(requester.inbox)
        self.check_exchange(requester, responder, "next")


class WhoMayAnswer(RequestCase):
    """C34, C35 and C36."""

    def refused(self, peer, qos):
        if qos > 0:
            packet = "Puback" if qos == 1 else "Pubrec"
            self.assertEqual(peer.sees("acknowledged"), {"packet": packet, "code": 0x87})

    def test_forgeries(self):
        requester, responder, foreign = self.requester(), self.responder(), self.peer("foreign")
        for qos in (0, 1, 2):
            with self.subTest(qos=qos):
                requester.ask("c")
                self.check_message(responder, "question", "c")
                for peer, topic, correlation in (
                    (foreign, requester.inbox, "c"),
                    (responder, requester.inbox, "d"),
                    (responder, requester.inbox, None),
                    (responder, requester.inbox + "/x", "c"),
                ):
                    peer.do("publish", topic=topic, correlation=correlation, payload="forged", qos=qos)
                    self.refused(peer, qos)
                for payload in ("answer", "second"):
                    responder.do("answer", payload=payload, qos=qos)
                self.refused(responder, qos)
                self.check_message(requester, "answer", "c")
        # Only what the broker has let through has come: this is next.
        requester.ask("none", topic="nobody")
        self.check_status(requester, "none", stat="503", stage="rejected", exec="no")

    def test_too_late(self):
        requester, responder = self.requester(), self.responder()
        requester.ask("c", user=[["rr-ttl", "100"]])
        self.check_message(responder, "question", "c")
        self.check_status(requester, "c", stat="504", stage="delivered", exec="maybe")
        responder.do("answer", payload="late", qos=1)
        self.refused(responder, 1)

    def test_response_topics_of_others(self):
        requester, victim = self.requester(), self.peer("victim", information=True)
        responder = self.responder()
        for topic in (victim.inbox, victim.inbox + "/x", "$r/AAAAAAAAAAAAAAAA", "$SYS/x", "$share/g/x"):
            with self.subTest(topic):
                requester.ask("c", response_topic=topic, qos=1)
                self.refused(requester, 1)
        requester.ask("c", user=[["__srcId", "victim"]], qos=1)
        self.refused(requester, 1)
        self.check_status(requester, "c", stat="403", stage="rejected", exec="no")
        requester.ask("mine", user=[["__srcId", "requester"]])
        self.check_message(responder, "question", "mine")

    def test_wildcard_in_response_topic(self):
        requester = self.requester()
        requester.ask("c", response_topic="answers/+")
        self.assertEqual(requester.sees("disconnected")["code"], 0x82)

    def test_user_properties_pass(self):
        """[MQTT-3.3.2-17], [MQTT-3.3.2-18]: in order, and with those of tracing untouched, both ways."""
        requester, responder = self.requester(), self.responder()
        user = [
            ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            ["b", "2"], ["a", "1"], ["b", "3"], ["tracestate", "x=1,y=2"], ["rr-ttl", "20000"], ["b", ""],
        ]  # fmt: skip
        requester.ask("c", user=user)
        self.assertEqual(self.check_message(responder, "question", "c")["user"], user)
        responder.do("answer", payload="answer", user=user)
        self.assertEqual(self.check_message(requester, "answer", "c")["user"], user)


class NoAnswer(RequestCase):
    """C21, and what becomes of requests whose responder is lost."""

    def test_nobody_there(self):
        requester = self.requester()
        for qos in (0, 1, 2):
            with self.subTest(qos=qos):
                requester.ask("c", topic="nobody", qos=qos)
                if qos > 0:  # stock Paho can see it, and is told in the status as well
                    packet = "Puback" if qos == 1 else "Pubrec"
                    self.assertEqual(requester.sees("acknowledged"), {"packet": packet, "code": 0x10})
                self.check_status(requester, "c", stat="503", stage="rejected", exec="no")

    def test_nobody_there_for_those_who_know_nothing(self):
        plain = self.peer("plain")
        plain.subscribe("answers", 1)
        for qos in (0, 1, 2):
            plain.ask("c", topic="nobody", qos=qos, response_topic="answers")
            if qos > 0:
                self.assertEqual(plain.sees("acknowledged")["code"], 0x10)
        plain.do("publish", topic="answers", payload="all there is", qos=0)
        self.assertEqual(plain.sees("message")["payload"], "all there is")
        got = run("mosquitto_pub", "-p", self.port, "-V", "5", "-q", "1", "-d", "-t", "nobody", "-m", "x",
                  "-D", "publish", "response-topic", "answers").decode()  # fmt: skip
        self.assertRegex(got, r"received PUBACK \(Mid: \d+, RC:16\)")

    def test_a_killed_responder(self):
        requester = self.requester()
        for qos, stage in ((0, "delivered"), (1, "acked")):
            with self.subTest(qos=qos):
                responder = self.responder(f"responder{qos}", qos=qos)
                requester.ask("c", qos=qos)
                self.check_message(responder, "question", "c")
                if qos == 1:  # its PUBACK goes before this
                    responder.do("publish", topic="done", qos=1)
                    self.assertEqual(responder.sees("acknowledged")["code"], 0x10)
                started = time.monotonic()
                responder.stop(signal.SIGKILL)
                self.check_status(requester, "c", stat="503", stage=stage, exec="maybe")
                self.assertLess(time.monotonic() - started, 5)  # and not the 30 s of the deadline

    def test_a_killed_member_of_a_group(self):
        requester = self.requester()
        first, second = self.peer("first"), self.peer("second")
        self.assertEqual(first.subscribe(f"$share/group/{SERVICE}", 1), 1)
        requester.ask("c", qos=1, user=[["rr-idem", "1"]])
        self.check_message(first, "question", "c")
        self.assertEqual(second.subscribe(f"$share/group/{SERVICE}", 1), 1)
        first.stop(signal.SIGKILL)
        self.check_message(second, "question", "c")
        second.do("answer", payload="from the second")
        self.check_message(requester, "from the second", "c")

    def test_a_response_too_large(self):
        """T13: not silence."""
        responder = self.responder()
        requester = self.peer("narrow", information=True, rr=True, bytes_max=300)
        requester.ask("c")
        self.check_message(responder, "question", "c")
        responder.do("answer", payload="x" * 400, qos=1)
        self.check_status(requester, "c", stat="413", stage="acked", exec="maybe")


class MosquittoRequester(RequestCase):
    """mosquitto_rr with its own response topic and with an answer from Paho."""

    def test_mosquitto_rr(self):
        responder = self.responder(qos=2)
        for qos in ("0", "1", "2"):
            with self.subTest(qos=qos):
                requester = self.start("mosquitto_rr", "-p", self.port, "-V", "5", "-q", qos, "-W", "20",
                                       "-t", SERVICE, "-e", f"answers/{qos}", "-m", "question",
                                       "-D", "publish", "correlation-data", "c")  # fmt: skip
                self.check_message(responder, "question", "c")
                responder.do("answer", payload="answer", qos=int(qos))
                self.assertEqual(requester.line("").string, "answer")
                self.assertEqual(requester.wait(), 0)


class InboxOneShard(Inbox):
    shards = 1


class WhoMayAnswerOneShard(WhoMayAnswer):
    shards = 1


class NoAnswerOneShard(NoAnswer):
    shards = 1


if __name__ == "__main__":
    unittest.main()
