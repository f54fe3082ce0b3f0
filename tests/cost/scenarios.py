"""What is counted. Each scenario does one thing after the other and never leaves the broker a choice: what
the broker reads at a time, and in which turn, is the same in every run."""
import dataclasses
import itertools
import struct

from client import PUBACK, PUBLISH, Client, gather, publish, request

PAYLOAD = b"p" * 64


class Requests:
    """Requester i asks responder i modulo their number, `window` requests in one write. When all requests
    have arrived, the responders answer in turns, each requester's in one write."""

    def __init__(self, port, requesters=1, window=1, responders=1, qos=0, inbox=False, group=False):
        self.window, self.qos, self.inbox, self.group = window, qos, inbox, group
        self.responders = [Client(port, f"responder{i}") for i in range(responders)]
        self.requesters = [Client(port, f"requester{i}", inbox) for i in range(requesters)]
        for i, responder in enumerate(self.responders):
            responder.subscribe("$share/all/ask/0" if group else f"ask/{i}", qos)
        for i, requester in enumerate(self.requesters):
            if not inbox:
                requester.subscribe(f"answers/{i}", qos)
        self.things = requesters * window

    def step(self):
        """One request and its response for each of `things`."""
        asked = [self._ask(i, requester) for i, requester in enumerate(self.requesters)]
        for requester, by_responder in zip(self.requesters, asked):
            for responder, requests in by_responder:
                self._answer(requester, responder, requests)

    def _ask(self, i, requester):
        responders = self.responders if self.group else [self.responders[i % len(self.responders)]]
        topic = "ask/0" if self.group else f"ask/{i % len(self.responders)}"
        back = f"{requester.inbox}/a" if self.inbox else f"answers/{i}"
        requester.say(b"".join(
            request(topic, back, struct.pack(">QQ", i, n), PAYLOAD, self.qos, n + 1) for n in range(self.window)))
        self._expect_acks(requester, self.window)
        return list(zip(responders, gather(responders, PUBLISH, self.window)))

    def _answer(self, requester, responder, requests):
        if requests:
            responder.say(b"".join(self._response(body, n + 1) for n, body in enumerate(requests)))
            self._expect_acks(responder, len(requests))
            requester.hear(PUBLISH, len(requests))

    def _response(self, body, packet_id):
        """Response Topic and Correlation Data are the only properties of a request."""
        at = 2 + struct.unpack_from(">H", body)[0] + (2 if self.qos else 0) + 2
        size = struct.unpack_from(">H", body, at)[0]
        topic, at = body[at + 2:at + 2 + size], at + 2 + size
        return publish(topic, PAYLOAD, self.qos, packet_id, body[at:at + 19])

    def _expect_acks(self, client, count):
        if self.qos:
            client.hear(PUBACK, count)


class Messages:
    """Publisher i sends `window` messages in one write, which all its subscribers get. With new topics no topic
    comes twice, and the subscribers have a wildcard for them."""

    def __init__(self, port, publishers=1, subscribers=1, window=64, qos=0, new_topics=False):
        self.window, self.qos = window, qos
        self.numbers = map("/{:06}".format, itertools.count()) if new_topics else itertools.repeat("")
        self.publishers = [Client(port, f"publisher{i}") for i in range(publishers)]
        self.audiences = [[Client(port, f"subscriber{i}.{n}") for n in range(subscribers)]
                          for i in range(publishers)]
        for i, audience in enumerate(self.audiences):
            for subscriber in audience:
                subscriber.subscribe(f"news/{i}/+" if new_topics else f"news/{i}", qos)
        self.things = publishers * subscribers * window

    def step(self):
        """One delivery for each of `things`."""
        for i, (publisher, audience) in enumerate(zip(self.publishers, self.audiences)):
            publisher.say(b"".join(
                publish(f"news/{i}{next(self.numbers)}", PAYLOAD, self.qos, n + 1) for n in range(self.window)))
            if self.qos:
                publisher.hear(PUBACK, self.window)
            for subscriber in audience:
                subscriber.hear(PUBLISH, self.window)
                subscriber.acknowledge()


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    kind: type
    options: dict
    steps: int  # that are counted; as many as it takes for the end of a turn not to show
    warm_up: int = 3
    rules: str | None = None  # of an acl_file


# Who asks what this file says: the lines that are needed, and some more.
RULES = "".join(f"topic readwrite place/{i}/+\n" for i in range(100)) + (
    "topic readwrite ask/+\npattern readwrite answers/+\ntopic readwrite news/#\ntopic deny news/secret\n")

BUSY = {"requesters": 16, "window": 64, "responders": 4}

SCENARIOS = (
    Scenario("request-1x1", Requests, {}, 300),
    Scenario("request-1x1-qos1", Requests, {"qos": 1}, 300),
    Scenario("request-16x64", Requests, BUSY, 4),
    Scenario("request-16x64-qos1", Requests, {**BUSY, "qos": 1}, 4),
    Scenario("request-16x64-inbox", Requests, {**BUSY, "inbox": True}, 4),
    Scenario("request-16x64-group", Requests, {**BUSY, "group": True}, 4),
    Scenario("publish-16-to-16", Messages, {"publishers": 16}, 6),
    Scenario("publish-16-to-16-qos1", Messages, {"publishers": 16, "qos": 1}, 6),
    Scenario("publish-16-to-16-new-topics", Messages, {"publishers": 16, "new_topics": True}, 6),
    Scenario("publish-1-to-100", Messages, {"subscribers": 100, "window": 8}, 10),
    Scenario("request-16x64-acl", Requests, BUSY, 4, rules=RULES),
    Scenario("publish-16-to-16-acl", Messages, {"publishers": 16}, 6, rules=RULES),
    Scenario("publish-16-to-16-new-topics-acl", Messages, {"publishers": 16, "new_topics": True}, 6, rules=RULES),
    Scenario("publish-1-to-100-acl", Messages, {"subscribers": 100, "window": 8}, 10, rules=RULES),
)
