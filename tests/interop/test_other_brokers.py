"""libwilco, through the tool, against a broker that is not ours: Debian's mosquitto."""

import unittest

from harness import WILCO, KeptSessions, MosquittoCase, Program, run


class Mosquitto(KeptSessions, MosquittoCase):
    def respond(self, *arguments):
        responder = Program(WILCO, "respond", "--url", self.url, *arguments)
        self.addCleanup(responder.stop)
        responder.line("ready", "stderr")

    def test_request_and_response(self):
        self.respond("echo/+", "--echo")
        for qos in ("0", "1", "2"):
            with self.subTest(qos=qos):
                answer = run(WILCO, "request", "--url", self.url, "-q", qos, "echo/x", qos)
                self.assertEqual(answer, f"{qos}\n".encode())

    def test_group(self):
        self.respond("work", "--group", "g", "--reply", "done")
        self.respond("work", "--group", "g", "--reply", "done")
        for _ in range(4):
            self.assertEqual(run(WILCO, "request", "--url", self.url, "work", "x"), b"done\n")

    def test_error_status(self):
        self.respond("job", "--exec", "exit 1")
        run(WILCO, "request", "--url", self.url, "job", "x", status=64)

    def test_nobody_there(self):
        # mosquitto 2.0 says 0x10 No matching subscribers too.
        run(WILCO, "request", "--url", self.url, "nobody", "x", status=16)

    def test_it_knows_nothing_of_services_and_ways(self):
        run(WILCO, "ls", "--url", self.url, status=16)
        run(WILCO, "trace", "--url", self.url, "echo/x", status=1)

    def test_pub_and_sub(self):
        run(WILCO, "pub", "--url", self.url, "-q", "1", "-r", "kept", "text")
        self.assertEqual(run(WILCO, "sub", "--url", self.url, "-C", "1", "-W", "20", "kept"), b"text\n")


if __name__ == "__main__":
    unittest.main()
