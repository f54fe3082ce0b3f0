"""systemd's unit: what systemd says of it, and that the broker speaks systemd's protocol and can live with what the
unit takes away. Without systemd the first is skipped."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "wilco.service"
WILCO = os.environ.get("WILCO", "build/wilco")
EXPOSURE_MAX = 15  # tenths
WAIT_S = 30


def unit_text():
    return UNIT.read_text(encoding="utf-8").replace("@WILCO_BINDIR@", "/usr/bin")


class Unit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd here")
    def test_exposure(self):
        unit = self.folder / "wilco.service"
        unit.write_text(unit_text(), encoding="utf-8")
        done = subprocess.run(
            ("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", unit),
            capture_output=True, text=True, check=False, timeout=WAIT_S,
        )  # fmt: skip
        if "Unknown" in done.stderr or "unrecognized option" in done.stderr:
            self.skipTest("this systemd cannot look at a file")
        exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
        self.assertIsNotNone(exposure, done.stdout + done.stderr)
        self.assertLessEqual(float(exposure[1]) * 10, EXPOSURE_MAX)
        self.assertEqual(done.returncode, 0)

    def test_is_what_it_says(self):
        lines = set(unit_text().splitlines())
        for line in ("User=wilco", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict",
                     "MemoryDenyWriteExecute=yes", "Type=notify", "WatchdogSec=30s"):
            self.assertIn(line, lines)


class Notify(unittest.TestCase):
    """This process is systemd."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "notify")
        self.file = pathlib.Path(folder.name) / "wilco.conf"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(WAIT_S)
        self.addCleanup(self.socket.close)

    def start(self, **environment):
        user = ("--user", "root") if os.geteuid() == 0 else ()
        self.file.write_text("listen mqtt://127.0.0.1:0\n", encoding="utf-8")
        broker = subprocess.Popen((WILCO, "broker", "--config", self.file, *user), stderr=subprocess.DEVNULL,
                                  env={**os.environ, "NOTIFY_SOCKET": self.path, **environment})
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        return broker

    def told(self):
        return self.socket.recv(1000).decode()

    def test_from_start_to_end(self):
        broker = self.start()
        self.assertEqual(self.told(), "READY=1")
        broker.send_signal(signal.SIGHUP)
        self.assertRegex(self.told(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(self.told(), "READY=1")
        broker.terminate()
        self.assertEqual(self.told(), "STOPPING=1")
        self.assertEqual(broker.wait(WAIT_S), 0)

    def test_gives_signs_of_life(self):
        broker = self.start(WATCHDOG_USEC="100000")
        self.assertEqual(self.told(), "READY=1")
        for _ in range(3):
            self.assertEqual(self.told(), "WATCHDOG=1")
        broker.terminate()
        while (said := self.told()) == "WATCHDOG=1":
            pass
        self.assertEqual(said, "STOPPING=1")
        self.assertEqual(broker.wait(WAIT_S), 0)


if __name__ == "__main__":
    unittest.main()
