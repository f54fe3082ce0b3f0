"""How the scripts on stock Paho connect: MQTT_SCHEME is mqtt, mqtts, ws or wss, MQTT_CAFILE whom they trust."""

import os

import paho.mqtt.client as mqtt

SCHEME = os.environ.get("MQTT_SCHEME", "mqtt")


def client(**options):
    made = mqtt.Client(transport="websockets" if SCHEME in ("ws", "wss") else "tcp", **options)
    if SCHEME in ("mqtts", "wss"):
        made.tls_set(os.environ["MQTT_CAFILE"])
    return made


def connect(made, port):
    made.connect("localhost" if SCHEME in ("mqtts", "wss") else "127.0.0.1", int(port))
