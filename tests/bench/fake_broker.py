#!/usr/bin/python3 -IS
"""A broker that only listens: on the port of its arguments, or on one of its own, which it says.
`--speed N` is for fake_load.py; `--dies` ends it at once."""
import re
import socket
import sys

words = " ".join(sys.argv[1:])
if "--dies" in words:
    sys.exit("no such option: --dies")
given = re.search(r"(?:127\.0\.0\.1:|--port )(\d+)", words)
with socket.socket() as listener:
    listener.bind(("127.0.0.1", int(given[1]) if given else 0))
    listener.listen()
    print(f"ready port={listener.getsockname()[1]}", flush=True)
    while True:
        listener.accept()[0].close()
