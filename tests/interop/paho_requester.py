"""A requester on stock Paho: subscribes, asks once, prints the answer and its correlation data in hex.

Usage: paho_requester.py PORT TOPIC RESPONSE_TOPIC CORRELATION PAYLOAD QOS
"""

import sys

import paho.mqtt.client as mqtt
import paho_way
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, topic, response_topic, correlation, payload, qos = sys.argv[1:]


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(response_topic, qos=2)


def on_subscribe(client, _userdata, _mid, _codes, _properties):
    print("ready", flush=True)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = response_topic
    properties.CorrelationData = correlation.encode()
    client.publish(topic, payload, qos=int(qos), properties=properties)


def on_message(client, _userdata, message):
    print(f"{message.properties.CorrelationData.hex()} {message.payload.decode()}", flush=True)
    client.disconnect()


paho = paho_way.client(client_id="paho-requester", protocol=mqtt.MQTTv5)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho_way.connect(paho, port)
paho.loop_forever()
