"""A responder on stock Paho that answers in parts: how much is done, as many parts as the payload says, and the end.

Usage: paho_streamer.py PORT FILTER
"""

import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, topic_filter = int(sys.argv[1]), sys.argv[2]


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(topic_filter, qos=1)


def on_subscribe(_client, _userdata, _mid, _codes, _properties):
    print("ready", flush=True)


def answer(client, request, text, *user):
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = request.properties.CorrelationData
    properties.UserProperty = list(user)
    client.publish(request.properties.ResponseTopic, text, qos=1, properties=properties)


def on_message(client, _userdata, request):
    answer(client, request, "half", ("rr-prog", "0.5"))
    for number in range(int(request.payload)):
        answer(client, request, f"part {number}", ("rr-more", "1"))
    answer(client, request, "end")


paho = mqtt.Client(client_id="paho-streamer", protocol=mqtt.MQTTv5)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho.connect("127.0.0.1", port)
paho.loop_forever()
