"""`wilco record` and `wilco replay`: what was asked is written, and asked again."""

import base64
import hashlib
import json
import pathlib
import signal
import tempfile

from harness import WILCO, BrokerCase, run
from test_tool import tool


class Recordings(BrokerCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "calls.jsonl"

    def start_recorder(self, *arguments):
        recorder = self.start(WILCO, "record", "--url", self.url, *arguments)
        recorder.line("ready", "stderr")
        return recorder

    def ask(self, *arguments, status=0):
        return run(WILCO, "request", "--url", self.url, *arguments, status=status)

    def replay(self, *arguments):
        return tool("replay", "--url", self.url, *arguments)

    def lines(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()]


class Recording(Recordings):
    def test_requests_answers_and_other_messages(self):
        self.start_respond("calls/+", "--echo", "--content-type", "text/plain", "-H", "a:1")
        recorder = self.start_recorder("calls/#", "answers/#", "--out", self.file, "--count", "5")
        self.ask("-e", "answers/1", "--correlation", "c-1", "calls/a", "hello")
        run(WILCO, "pub", "--url", self.url, "calls/plain", "-m", "\x01\x02")
        self.ask("-e", "answers/1", "--correlation", "c-2", "calls/b", "again")
        self.assertEqual(recorder.wait(), 0)
        lines = self.lines()
        self.assertEqual([line["id"] for line in lines], [1, 2, 3, 4, 5])
        times = [line["time_us"] for line in lines]
        self.assertEqual(times, sorted(times))
        requests = {line["properties"]["correlation_data"]: line for line in lines if "response_topic" in line["properties"]}
        answers = {line["response_to"]: line for line in lines if "response_to" in line}
        self.assertEqual(len(answers), 2)
        for correlation, topic, payload in (("c-1", "calls/a", "hello"), ("c-2", "calls/b", "again")):
            request = requests[correlation]
            self.assertEqual((request["topic"], request["payload"]), (topic, payload))
            self.assertNotIn("status", request)
            answer = answers[request["id"]]
            self.assertEqual((answer["topic"], answer["payload"], answer["status"]), ("answers/1", payload, 200))
            self.assertEqual(answer["properties"]["content_type"], "text/plain")
            self.assertIn(["a", "1"], answer["user_properties"])

    def test_what_was_retained_is_no_exchange(self):
        run(WILCO, "pub", "--url", self.url, "-r", "calls/old", "-m", "x")
        recorder = self.start_recorder("calls/#", "--out", self.file, "--count", "1")
        run(WILCO, "pub", "--url", self.url, "calls/new", "-m", "y")
        self.assertEqual(recorder.wait(), 0)
        self.assertEqual([line["topic"] for line in self.lines()], ["calls/new"])

    def test_to_standard_output_until_the_time_is_up(self):
        recorder = self.start_recorder("calls/#")
        run(WILCO, "pub", "--url", self.url, "calls/a", "-m", "y")
        self.assertEqual(json.loads(recorder.line("^{").string)["topic"], "calls/a")
        self.assertEqual(recorder.stop(signal.SIGINT), 130)
        self.assertEqual(tool("record", "--url", self.url, "x", "--timeout", "1ms").returncode, 0)

    def test_wrong(self):
        self.assertEqual(tool("record", "--url", self.url).returncode, 1)
        done = tool("record", "--url", self.url, "x", "--out", "/does/not/exist")
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))
        self.assertEqual(tool("record", "--url", self.url, "a#").returncode, 1)
        with open("/dev/full", "w", encoding="ascii"):
            recorder = self.start_recorder("x", "--out", "/dev/full")
            run(WILCO, "pub", "--url", self.url, "x", "-m", "y")
            self.assertEqual(recorder.wait(), 1)
            self.assertIn("No space left", str(recorder))


class Replaying(Recordings):
    CALLS = 1000

    def record(self, calls, *arguments):
        recorder = self.start_recorder("calls/#", "answers/#", "--out", self.file, "--count", str(2 * calls))
        self.ask("--count", str(calls), "--in-flight", "50", "-e", "answers/here", "calls/digest", *arguments)
        self.assertEqual(recorder.wait(), 0)

    def test_a_thousand_calls_replay_byte_identical(self):
        responder = self.start_script("paho_digest.py", "calls/#", "salt")
        self.record(self.CALLS, "no. {{n}}\x01")
        lines = self.lines()
        requests = {line["id"]: line for line in lines if "response_to" not in line}
        answers = [line for line in lines if "response_to" in line]
        self.assertEqual((len(requests), len(answers)), (self.CALLS, self.CALLS))
        for answer in answers:
            want = hashlib.sha256(b"salt" + requests[answer["response_to"]]["payload"].encode()).digest()
            got = base64.b64decode(answer["payload_base64"]) if "payload_base64" in answer else answer["payload"].encode()
            self.assertEqual(got, want)
        done = self.replay(self.file, "--no-wait", "--compare", "--json")
        self.assertEqual(done.returncode, 0, done)
        result = json.loads(done.stdout)
        self.assertEqual((result["asked"], result["answered"], result["failed"]), (self.CALLS, self.CALLS, 0))
        self.assertEqual((result["identical"], result["different"], result["without_recorded_answer"]), (self.CALLS, 0, 0))
        self.assertIn(b"1000 answers as recorded, 0 others, 0 requests without", done.stderr)
        responder.stop()
        self.start_script("paho_digest.py", "calls/#", "pepper")
        done = self.replay(self.file, "--no-wait", "--compare", "--json")
        result = json.loads(done.stdout)
        self.assertEqual((done.returncode, result["identical"], result["different"]), (64, 0, self.CALLS))
        self.assertEqual(done.stderr.count(b"calls/digest, line "), self.CALLS)

    def test_a_recording_answers_in_the_place_of_the_responder(self):
        responder = self.start_script("paho_digest.py", "calls/#", "salt")
        self.record(self.CALLS, "no. {{n}}")
        responder.stop()
        self.start_respond("calls/#", "--from", self.file)
        result = json.loads(self.replay(self.file, "--no-wait", "--compare", "--json").stdout)
        self.assertEqual((result["identical"], result["different"]), (self.CALLS, 0))
        self.ask("calls/digest", "no. 0", status=64)

    def test_answers_come_in_their_order_and_with_all_they_had(self):
        lines = []
        for number, (status, text) in enumerate((("200", "one"), ("503", "two"), ("200", "three"))):
            lines.append({"id": 2 * number + 1, "topic": "calls/x", "payload": "?", "properties": {"response_topic": "r"}})
            lines.append({
                "id": 2 * number + 2, "response_to": 2 * number + 1, "topic": "r", "payload": text, "status": int(status),
                "properties": {"content_type": "text/x", "payload_format_indicator": 1},
                "user_properties": [["__stat", status], ["__stMsg", "busy"], ["a", "1"]],
            })  # fmt: skip
        self.file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.start_respond("calls/#", "--from", self.file)
        for status, text in ((0, "one"), (64, "two"), (0, "three"), (0, "three")):
            answer = json.loads(self.ask("--json", "calls/x", "?", status=status))
            self.assertEqual(answer["payload"], text)
            self.assertEqual(answer["properties"]["content_type"], "text/x")
            self.assertEqual(answer["properties"]["payload_format_indicator"], 1)
            self.assertEqual([p for p in answer["user_properties"] if p[0] in ("a", "__stMsg")].count(["a", "1"]), 1)
            self.assertIn(["__stMsg", "busy"], answer["user_properties"])

    def test_nothing_to_answer_with(self):
        self.file.write_text('{"id":1,"topic":"calls/x","properties":{"response_topic":"r"}}\n')
        done = tool("respond", "--url", self.url, "calls/#", "--from", self.file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no request in it has an answer", done.stderr)

    def test_timing_is_kept(self):
        self.start_script("paho_digest.py", "calls/#", "salt")
        self.record(3, "{{n}}")
        lines = self.lines()
        for line, time_us in zip([line for line in lines if "response_to" not in line], (0, 200_000, 400_000)):
            line["time_us"] = time_us
        lines.sort(key=lambda line: line["id"])
        self.file.write_text("".join(json.dumps(line) + "\n" for line in lines if "response_to" not in line))
        seen = self.start_recorder("calls/#", "--count", "6")
        for arguments, at_least in ((("--speed", "2"), 200_000), ((), 400_000)):
            self.assertEqual(self.replay(self.file, *arguments).returncode, 0)
            times = [json.loads(seen.line("^{").string)["time_us"] for _ in range(3)]
            self.assertGreaterEqual(times[2] - times[0], at_least - 20_000)
        self.assertEqual(seen.wait(), 0)

    def test_messages_that_are_no_requests_are_published(self):
        self.file.write_text(
            '{"id":1,"topic":"calls/plain","payload_base64":"/wA=","qos":1,"properties":{"content_type":"x/y"},'
            '"user_properties":[["a","1"],["rr-x","2"]]}\n'
        )
        seen = self.start_recorder("calls/#", "--count", "1")
        done = self.replay(self.file)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn(b"1 other messages published", done.stderr)
        message = json.loads(seen.line("^{").string)
        self.assertEqual(message["payload_base64"], "/wA=")
        self.assertEqual(message["properties"], {"content_type": "x/y"})
        self.assertEqual(message["user_properties"], [["a", "1"], ["rr-x", "2"]])

    def test_properties_of_requests_are_kept_and_identity_is_not(self):
        self.start_respond("calls/+", "--echo")
        recorder = self.start_recorder("calls/#", "--out", self.file, "--count", "1")
        self.ask("-e", "answers/here", "--id", "somebody", "--idempotent", "--partition", "p", "-H", "a:1", "--utf8", "calls/x", "?")
        self.assertEqual(recorder.wait(), 0)
        seen = self.start_recorder("calls/#", "--count", "1")
        self.assertEqual(self.replay(self.file, "--id", "replayer").returncode, 0)
        request = json.loads(seen.line("^{").string)
        self.assertEqual(sorted(map(tuple, request["user_properties"])), [
            ("$partition", "p"), ("__protVer", "1.0"), ("__srcId", "replayer"), ("a", "1"), ("rr-idem", "1"),
            ("rr-if-offline", "refuse"),
        ])  # fmt: skip
        self.assertEqual(request["properties"]["payload_format_indicator"], 1)
        self.assertRegex(request["properties"]["response_topic"], r"^\$r/")

    def test_nobody_answers(self):
        self.file.write_text('{"id":1,"topic":"nobody","properties":{"response_topic":"x"}}\n' * 1)
        done = self.replay(self.file, "--json")
        self.assertEqual(done.returncode, 16)
        self.assertEqual(json.loads(done.stdout)["failed"], 1)

    def test_wrong_files(self):
        rows = (
            ("not JSON\n", ":1: "),
            ('{"id":1,"topic":"a"}\n{"id":1,"topic":"b"}\n', ":2: "),
            ('{"id":0,"topic":"a"}\n', ":1: "),
            ('{"id":1,"topic":""}\n', ":1: "),
            ('{"id":1,"topic":"a","qos":3}\n', ":1: "),
            ('{"id":1,"topic":"a","payload_base64":"a"}\n', ":1: "),
        )
        for text, where in rows:
            self.file.write_text(text)
            done = self.replay(self.file)
            self.assertEqual(done.returncode, 1)
            self.assertIn(where.encode(), done.stderr)
        self.assertEqual(self.replay("/does/not/exist").returncode, 1)
        self.assertEqual(self.replay().returncode, 1)
        self.assertEqual(self.replay(self.file, "--rate", "1", "--speed", "2").returncode, 1)


if __name__ == "__main__":
    import unittest

    unittest.main()
