"""A responder on stock Paho that answers with the SHA-256 of SALT and the payload: bytes, and different ones each time.

Usage: paho_digest.py PORT FILTER SALT
"""

import hashlib
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, topic_filter, salt = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(topic_filter, qos=1)


def on_subscribe(_client, _userdata, _mid, _codes, _properties):
    print("ready", flush=True)


def on_message(client, _userdata, request):
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = request.properties.CorrelationData
    digest = hashlib.sha256(salt + request.payload).digest()
    client.publish(request.properties.ResponseTopic, digest, qos=1, properties=properties)


paho = mqtt.Client(client_id="paho-digest", protocol=mqtt.MQTTv5)
paho.max_queued_messages_set(0)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho.connect("127.0.0.1", port)
paho.loop_forever()
