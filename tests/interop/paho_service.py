"""A service on stock Paho: says what it is in its SUBSCRIBE, and answers TEXT; `fail` is answered with an error.

Usage: paho_service.py PORT ID FILTER NAME VERSION TEXT
"""

import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, client_id, topic_filter, name, version, text = int(sys.argv[1]), *sys.argv[2:7]


def on_connect(client, _userdata, _flags, _reason, _properties):
    properties = Properties(PacketTypes.SUBSCRIBE)
    properties.UserProperty = [
        ("rr-service", name), ("rr-version", version), ("rr-description", "does sums"), ("rr-meta", "unit=mm"),
    ]  # fmt: skip
    client.subscribe(topic_filter, options=mqtt.SubscribeOptions(qos=1), properties=properties)


def on_subscribe(_client, _userdata, _mid, _codes, _properties):
    print("ready", flush=True)


def on_message(client, _userdata, request):
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = request.properties.CorrelationData
    if request.payload == b"fail":
        properties.UserProperty = [("__stat", "500"), ("__stMsg", "no such sum")]
    client.publish(request.properties.ResponseTopic, text, qos=1, properties=properties)


paho = mqtt.Client(client_id=client_id, protocol=mqtt.MQTTv5)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho.connect("127.0.0.1", port)
paho.loop_forever()
