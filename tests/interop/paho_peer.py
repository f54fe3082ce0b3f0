"""A client on stock Paho that does what lines of JSON on its standard input say, and says what it sees.

Usage: paho_peer.py PORT CLIENT_ID OPTIONS

OPTIONS is JSON: `information` and `rr` (Request Response Information, User Property rr=1), `lasts` (a session of
an hour), `bytes_max` (Maximum Packet Size). A command is {"do": "subscribe" | "publish" | "answer" | "disconnect", ...}; `answer` publishes to the
last message's Response Topic with its Correlation Data. What it sees are lines "connected", "subscribed", "message",
"acknowledged" and "disconnected" with JSON behind them.
"""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, client_id, options = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
last = {}


def say(what, **seen):
    print(what, json.dumps(seen), flush=True)


class SeenReasonCodes(mqtt.ReasonCodes):
    """Paho reads the reason codes of PUBACK and PUBREC, and keeps them to itself."""

    def unpack(self, buffer):
        count = super().unpack(buffer)
        if self.packetType in (PacketTypes.PUBACK, PacketTypes.PUBREC):
            say("acknowledged", packet=PacketTypes.Names[self.packetType], code=self.value)
        return count


def on_connect(_client, _userdata, flags, reason, properties):
    information = getattr(properties, "ResponseInformation", None)
    say("connected", code=reason.value, session_present=flags["session present"], information=information)


def on_subscribe(_client, _userdata, _mid, codes, _properties):
    say("subscribed", codes=[code.value for code in codes])


def on_disconnect(_client, _userdata, reason, _properties=None):
    say("disconnected", code=getattr(reason, "value", reason))


def on_message(_client, _userdata, message):
    last["to"] = getattr(message.properties, "ResponseTopic", None)
    last["correlation"] = getattr(message.properties, "CorrelationData", b"").decode()
    say("message", topic=message.topic, payload=message.payload.decode(), response_topic=last["to"],
        correlation=last["correlation"], qos=message.qos, retain=bool(message.retain),
        user=getattr(message.properties, "UserProperty", []))  # fmt: skip


def publish(topic, payload="", qos=0, retain=False, response_topic=None, correlation=None, user=()):
    properties = Properties(PacketTypes.PUBLISH)
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if correlation:
        properties.CorrelationData = correlation.encode()
    if user:
        properties.UserProperty = [tuple(pair) for pair in user]
    paho.publish(topic, payload, qos=qos, retain=retain, properties=properties)


def answer(**how):
    publish(**({"topic": last["to"], "correlation": last["correlation"]} | how))


mqtt.ReasonCodes = SeenReasonCodes
paho = mqtt.Client(client_id=client_id, protocol=mqtt.MQTTv5)
paho.on_connect, paho.on_subscribe = on_connect, on_subscribe
paho.on_message, paho.on_disconnect = on_message, on_disconnect
connect = Properties(PacketTypes.CONNECT)
if options.get("information"):
    connect.RequestResponseInformation = 1
if options.get("rr"):
    connect.UserProperty = ("rr", "1")
if options.get("lasts"):
    connect.SessionExpiryInterval = 3600
if options.get("bytes_max"):
    connect.MaximumPacketSize = options["bytes_max"]
paho.connect("127.0.0.1", port, clean_start=not options.get("lasts"), properties=connect)
paho.loop_start()
for line in sys.stdin:
    command = json.loads(line)
    do = command.pop("do")
    if do == "subscribe":
        paho.subscribe(command["filter"], qos=command.get("qos", 0))
    elif do == "publish":
        publish(**command)
    elif do == "answer":
        answer(**command)
    elif do == "disconnect":
        paho.disconnect()
        break
paho.loop_stop()
