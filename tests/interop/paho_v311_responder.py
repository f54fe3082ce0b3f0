"""A responder on stock Paho that speaks MQTT 3.1.1, and so sees neither Response Topic nor Correlation Data: it waits until
COUNT requests on FILTER are there, then answers them in their order, to their topic with "/response" behind it.

Usage: paho_v311_responder.py PORT FILTER COUNT
"""

import sys

import paho.mqtt.client as mqtt

port, topic_filter, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
waiting = []


def on_connect(client, _userdata, _flags, _code):
    client.subscribe(topic_filter, qos=1)


def on_subscribe(_client, _userdata, _mid, _codes):
    print("ready", flush=True)


def on_message(client, _userdata, message):
    print("asked", message.payload.decode(), flush=True)
    waiting.append(message)
    if len(waiting) == count:
        for each in waiting:
            client.publish(each.topic + "/response", b"answer to " + each.payload, qos=1)
        waiting.clear()


paho = mqtt.Client(client_id="paho-v311-responder", protocol=mqtt.MQTTv311)
paho.on_connect = on_connect
paho.on_subscribe = on_subscribe
paho.on_message = on_message
paho.connect("127.0.0.1", port)
paho.loop_forever()
