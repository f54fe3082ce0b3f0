"""A client that says just what the test says: MQTT 5.0 or 3.1.1 packets, byte by byte, over any socket.

Nothing is retried, acknowledged or hidden; what the server sends comes out in the order in which it came.
"""

import base64
import os
import socket
import ssl
import struct
import urllib.parse

WAIT_S = 30

# Properties: identifier to how its value is written.
BYTE, U16, U32, VARINT, TEXT, PAIR = range(6)
PROPERTIES = {
    0x01: BYTE, 0x02: U32, 0x03: TEXT, 0x08: TEXT, 0x09: TEXT, 0x0B: VARINT, 0x11: U32, 0x12: TEXT, 0x13: U16,
    0x15: TEXT, 0x16: TEXT, 0x17: BYTE, 0x18: U32, 0x19: BYTE, 0x1A: TEXT, 0x1C: TEXT, 0x1F: TEXT, 0x21: U16,
    0x22: U16, 0x23: U16, 0x24: BYTE, 0x25: BYTE, 0x26: PAIR, 0x27: U32, 0x28: BYTE, 0x29: BYTE, 0x2A: BYTE,
}  # fmt: skip
EXPIRY, RESPONSE_TOPIC, CORRELATION, SUBSCRIPTION_ID = 0x02, 0x08, 0x09, 0x0B
SESSION_EXPIRY, REQUEST_RESPONSE_INFORMATION, RESPONSE_INFORMATION = 0x11, 0x19, 0x1A
ASSIGNED_ID, WILL_DELAY, RECEIVE_MAXIMUM, TOPIC_ALIAS, USER = 0x12, 0x18, 0x21, 0x23, 0x26

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK = range(1, 10)
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(10, 16)


def varint(number):
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(data)) + data


def properties(values):
    out = b""
    for identifier, value in values or ():
        kind = PROPERTIES[identifier]
        out += bytes([identifier])
        if kind == PAIR:
            out += text(value[0]) + text(value[1])
        elif kind == TEXT:
            out += text(value)
        elif kind == VARINT:
            out += varint(value)
        else:
            out += struct.pack({BYTE: ">B", U16: ">H", U32: ">I"}[kind], value)
    return varint(len(out)) + out


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def read_text(data, at):
    end = at + 2 + struct.unpack_from(">H", data, at)[0]
    return data[at + 2 : end], end


def read_properties(data, at):
    length, at = read_varint(data, at)
    end = at + length
    found = {}
    while at < end:
        identifier = data[at]
        kind = PROPERTIES[identifier]
        at += 1
        if kind == PAIR:
            name, at = read_text(data, at)
            value, at = read_text(data, at)
            found.setdefault(identifier, []).append((name.decode(), value.decode()))
            continue
        if kind == TEXT:
            value, at = read_text(data, at)
        elif kind == VARINT:
            value, at = read_varint(data, at)
        else:
            size = {BYTE: 1, U16: 2, U32: 4}[kind]
            value = int.from_bytes(data[at : at + size], "big")
            at += size
        found[identifier] = value
    return found, end


class Packet:
    """One that the server has sent."""

    def __init__(self, first, body, is_v5):
        self.type, self.flags, self.body = first >> 4, first & 0x0F, body
        self.code, self.id, self.properties, self.codes = 0, 0, {}, b""
        at = 0
        if self.type == PUBLISH:
            topic, at = read_text(body, 0)
            self.topic = topic.decode()
            self.qos, self.retain = (self.flags >> 1) & 3, self.flags & 1
            if self.qos:
                self.id = struct.unpack_from(">H", body, at)[0]
                at += 2
            if is_v5:
                self.properties, at = read_properties(body, at)
            self.payload = body[at:]
            return
        if self.type == CONNACK:
            self.session_present, self.code = body[0], body[1]
            if is_v5:
                self.properties, _ = read_properties(body, 2)
        elif self.type == DISCONNECT:
            self.code = body[0] if body else 0
        elif self.type in (SUBACK, UNSUBACK):
            self.id, at = struct.unpack_from(">H", body, 0)[0], 2
            if is_v5:
                self.properties, at = read_properties(body, 2)
            self.codes = body[at:]
        elif self.type != PINGRESP:
            self.id = struct.unpack_from(">H", body, 0)[0]
            self.code = body[2] if len(body) > 2 else 0

    def __repr__(self):
        what = f" {self.topic} {self.payload!r}" if self.type == PUBLISH else f" 0x{self.code:02x} {self.codes!r}"
        return f"<packet {self.type}{what}>"


class WebSocket:
    """Just enough of RFC 6455 to be a client: binary frames, masked, one for each packet."""

    def __init__(self, sock, host):
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock, self.buffer, self.read_ahead = sock, b"", b""
        sock.sendall(
            f"GET /mqtt HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.read_ahead:
            got = sock.recv(4096)
            if not got:
                raise ConnectionError("no answer to the upgrade")
            self.read_ahead += got
        head, self.read_ahead = self.read_ahead.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode("latin1"))

    def sendall(self, data):
        mask = os.urandom(4)
        length = len(data)
        head = bytes([0x82]) + (
            bytes([0x80 | length]) if length < 126
            else bytes([0xFE]) + struct.pack(">H", length) if length < 65536
            else bytes([0xFF]) + struct.pack(">Q", length)
        )  # fmt: skip
        self.sock.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def _take(self, count):
        while len(self.read_ahead) < count:
            got = self.sock.recv(65536)
            if not got:
                return None
            self.read_ahead += got
        taken, self.read_ahead = self.read_ahead[:count], self.read_ahead[count:]
        return taken

    def recv(self, _):
        while True:
            head = self._take(2)
            if head is None:
                return b""
            length = head[1] & 0x7F
            if length >= 126:
                length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
            payload = self._take(length)
            opcode = head[0] & 0x0F
            if opcode == 8:
                return b""
            if opcode in (0, 2) and payload:
                return payload

    def close(self):
        self.sock.close()


def dial(url, context=None):
    """A connected socket, or what looks like one: mqtt, mqtts, ws, wss, unix."""
    if url.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(WAIT_S)
        sock.connect(url[len("unix:") :])
        return sock
    parts = urllib.parse.urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), WAIT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if parts.scheme in ("mqtts", "wss"):
        sock = context.wrap_socket(sock, server_hostname=parts.hostname)
    return WebSocket(sock, parts.netloc) if parts.scheme in ("ws", "wss") else sock


def trusting(cafile):
    """A TLS context that trusts one authority."""
    return ssl.create_default_context(cafile=str(cafile))


class Client:
    """Connects at once; `connack` is what the server said."""

    def __init__(self, url, client_id, *, user=None, password=None, version=5, clean=True, expiry=None, will=None,
                 connect_properties=(), context=None):  # fmt: skip
        self.is_v5, self.next_id, self.data, self.sock = version == 5, 0, b"", dial(url, context)
        self.kept = []  # messages that came while something else was waited for
        extra = list(connect_properties)
        if expiry is not None:
            extra.append((SESSION_EXPIRY, expiry))
        flags = 2 if clean else 0
        payload = text(client_id)
        if will is not None:
            flags |= 4 | will.get("qos", 0) << 3 | (32 if will.get("retain") else 0)
            payload += properties(will.get("properties")) if self.is_v5 else b""
            payload += text(will["topic"]) + text(will.get("payload", "will"))
        if user is not None:
            flags |= 128
            payload += text(user)
        if password is not None:
            flags |= 64
            payload += text(password)
        body = text("MQTT") + bytes([version, flags, 0, 0]) + (properties(extra) if self.is_v5 else b"") + payload
        self.send(CONNECT << 4, body)
        self.connack = self._read()
        assert self.connack is not None and self.connack.type == CONNACK, self.connack

    def send(self, first, body):
        self.sock.sendall(bytes([first]) + varint(len(body)) + body)

    def next(self):
        """The next packet, but messages that were kept come first; None: the server has closed."""
        return self.kept.pop(0) if self.kept else self._read()

    def _read(self):
        while True:
            packet = self._cut()
            if packet is not None:
                return packet
            try:
                got = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not got:
                return None
            self.data += got

    def _cut(self):
        if len(self.data) < 2:
            return None
        try:
            length, at = read_varint(self.data, 1)
        except IndexError:
            return None
        if len(self.data) < at + length:
            return None
        packet = Packet(self.data[0], self.data[at : at + length], self.is_v5)
        self.data = self.data[at + length :]
        return packet

    def expect(self, kind):
        """The next packet of this type; messages that come before it are kept."""
        packet = self.next() if kind == PUBLISH else self._read()
        while packet is not None and packet.type == PUBLISH and kind != PUBLISH:
            self.kept.append(packet)
            packet = self._read()
        assert packet is not None and packet.type == kind, f"{packet} instead of type {kind}"
        return packet

    def id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def write_publish(self, topic, payload="x", *, qos=0, retain=False, values=(), packet_id=None):
        body = text(topic)
        if qos:
            body += struct.pack(">H", packet_id or self.id())
        body += properties(values) if self.is_v5 else b""
        self.send(PUBLISH << 4 | qos << 1 | retain, body + (payload if isinstance(payload, bytes) else payload.encode()))

    def publish(self, topic, payload="x", *, qos=1, **how):
        """The reason code of PUBACK or PUBREC, which comes next; QoS 2 goes on to its end."""
        self.write_publish(topic, payload, qos=qos, **how)
        if qos == 0:
            return 0
        answer = self.expect(PUBACK if qos == 1 else PUBREC)
        if qos == 2 and answer.code < 0x80:
            self.send(PUBREL << 4 | 2, struct.pack(">H", answer.id))
            self.expect(PUBCOMP)
        return answer.code

    def subscribe(self, filter_, qos=1, values=()):
        """The code for it in SUBACK, which comes next."""
        body = struct.pack(">H", self.id()) + (properties(values) if self.is_v5 else b"") + text(filter_) + bytes([qos])
        self.send(SUBSCRIBE << 4 | 2, body)
        return self.expect(SUBACK).codes[0]

    def ack(self, packet):
        """A message of QoS 1."""
        if packet.qos == 1:
            self.send(PUBACK << 4, struct.pack(">H", packet.id))

    def ping(self):
        """What has come before the answer to a PINGREQ: messages, acknowledged."""
        self.send(PINGREQ << 4, b"")
        found = []
        for packet in self.kept:
            self.ack(packet)
            found.append(packet)
        self.kept = []
        while True:
            packet = self._read()
            assert packet is not None, "the server has closed"
            if packet.type == PINGRESP:
                return found
            if packet.type == PUBLISH:
                self.ack(packet)
                found.append(packet)

    def disconnect(self, code=0):
        self.send(DISCONNECT << 4, bytes([code]) if self.is_v5 and code else b"")
        self.close()

    def close(self):
        self.sock.close()
