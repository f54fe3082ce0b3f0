"""Clients of MQTT 5.0 that say what they are told to, a batch in one write. Whoever wants to compare what
a broker does for them must not send anything before the broker is done with what came before."""
import select
import socket
import struct

WAIT_S = 60

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = (
    0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xC0, 0xD0)
RESPONSE_TOPIC, CORRELATION_DATA, RESPONSE_INFORMATION = b"\x08", b"\x09", 0x1A
WANTS_INBOX = b"\x19\x01\x26\x00\x02rr\x00\x011"  # Request Response Information, and the User Property rr=1


class CostError(Exception):
    """The broker did not do what it has to, so what it costs means nothing."""


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def length(count):
    encoded = bytearray()
    while True:
        count, low = divmod(count, 128)
        encoded.append(low | (0x80 if count else 0))
        if not count:
            return bytes(encoded)


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def publish(topic, payload, qos=0, packet_id=1, properties=b""):
    identifier = struct.pack(">H", packet_id) if qos else b""
    return packet(PUBLISH | qos << 1, text(topic) + identifier + length(len(properties)) + properties + payload)


def request(topic, response_topic, correlation, payload, qos=0, packet_id=1):
    return publish(topic, payload, qos, packet_id,
                   RESPONSE_TOPIC + text(response_topic) + CORRELATION_DATA + text(correlation))


def puback(packet_id):
    return packet(PUBACK, struct.pack(">H", packet_id))


class Client:
    def __init__(self, port, name, has_inbox=False):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = name
        self.unread = b""
        self.acks = b""  # of what it got; they go out in front of what it says next
        properties = WANTS_INBOX if has_inbox else b""
        body = text("MQTT") + b"\x05\x02\x00\x00" + length(len(properties)) + properties + text(name)
        self.say(packet(CONNECT, body))
        connack = self.hear(CONNACK, 1)[0]
        self.inbox = self._inbox_of(connack) if has_inbox else None

    def fileno(self):
        return self.socket.fileno()

    def subscribe(self, topic_filter, qos=0):
        self.say(packet(SUBSCRIBE, b"\x00\x01\x00" + text(topic_filter) + bytes([qos])))
        self.hear(SUBACK, 1)

    def say(self, data):
        self.socket.sendall(self.acks + data)
        self.acks = b""

    def acknowledge(self):
        """Sends the acknowledgements that are due; the broker has handled them when this returns."""
        if self.acks:
            self.say(packet(PINGREQ, b""))
            self.hear(PINGRESP, 1)

    def hear(self, kind, count):
        """Bodies of the next `count` packets of this kind; one of another kind is an error."""
        return gather([self], kind, count)[0]

    def take(self, kind):
        """Reads once; the bodies of whole packets."""
        bodies = []
        for first, body in self._packets():
            if first & 0xF0 != kind & 0xF0:
                raise CostError(f"{self.name}: a packet of kind {first:#x} in the place of {kind:#x}")
            self._note_acks(first, body)
            bodies.append(body)
        return bodies

    def _packets(self):
        data = self.unread + self.socket.recv(1 << 20)
        if not data[len(self.unread):]:
            raise CostError(f"{self.name}: the broker has closed the connection")
        at = 0
        while (end := end_of_packet(data, at)) is not None:
            first, body, at = data[at], data[end[0]:end[1]], end[1]
            yield first, body
        self.unread = data[at:]

    def _note_acks(self, first, body):
        if first & 0xF0 == PUBLISH and first & 0x06:
            topic_bytes = struct.unpack_from(">H", body)[0]
            self.acks += puback(struct.unpack_from(">H", body, 2 + topic_bytes)[0])

    def _inbox_of(self, connack):
        at = connack.find(bytes([RESPONSE_INFORMATION]) + b"\x00")
        if at < 0:
            raise CostError(f"{self.name}: there is no inbox in the CONNACK")
        size = struct.unpack_from(">H", connack, at + 1)[0]
        return connack[at + 3:at + 3 + size].decode()


def end_of_packet(data, at):
    """Where the body of the packet at `at` begins and ends; nothing where it is incomplete."""
    size = 0
    for shift, byte in enumerate(data[at + 1:at + 5]):
        size |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            start = at + 2 + shift
            return (start, start + size) if start + size <= len(data) else None
    return None


def gather(clients, kind, count):
    """Reads until these clients have `count` packets of this kind together: those of each."""
    bodies = {client: [] for client in clients}
    while sum(map(len, bodies.values())) < count:
        ready = select.select(clients, [], [], WAIT_S)[0]
        if not ready:
            raise CostError(f"{clients[0].name}: still waiting for packets of kind {kind:#x}")
        for client in ready:
            bodies[client] += client.take(kind)
    return list(bodies.values())
