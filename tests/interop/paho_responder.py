"""A responder on stock Paho: answers every request on FILTER with TEXT, and shows what it got.

Usage: paho_responder.py PORT FILTER TEXT
"""

import json
import sys

import paho.mqtt.client as mqtt
import paho_way
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, topic_filter, text = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(topic_filter, qos=1)


def on_subscribe(_client, _userdata, _mid, _codes, _properties):
    print("ready", flush=True)


def on_message(client, _userdata, message):
    shown = {
        "topic": message.topic,
        "payload": message.payload.decode(),
        "response_topic": getattr(message.properties, "ResponseTopic", None),
        "correlation_hex": getattr(message.properties, "CorrelationData", b"").hex(),
        "user": getattr(message.properties, "UserProperty", []),
        "expiry": getattr(message.properties, "MessageExpiryInterval", None),
    }
    print(json.dumps(shown), flush=True)
    if shown["response_topic"] is None:
        return
    properties = Properties(PacketTypes.PUBLISH)
    if hasattr(message.properties, "CorrelationData"):
        properties.CorrelationData = message.properties.CorrelationData
    client.publish(message.properties.ResponseTopic, text, qos=1, properties=properties)


paho = paho_way.client(client_id="paho-responder", protocol=mqtt.MQTTv5)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho_way.connect(paho, port)
paho.loop_forever()
