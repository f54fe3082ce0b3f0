"""The broker's configuration file: what it says is done, what is wrong with it is said, SIGHUP reads it again."""

import os
import pathlib
import pwd
import re
import resource
import signal
import subprocess
import tempfile
import unittest

from harness import WAIT_S, WILCO, Program, run

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "wilco.conf"


def broker(*arguments, env=None):
    """A broker that ends by itself."""
    return subprocess.run(
        [WILCO, "broker", *map(str, arguments)], capture_output=True, timeout=WAIT_S, check=False, text=True,
        env={**os.environ, **(env or {})},
    )  # fmt: skip


class ConfigCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name) / "wilco.conf"
        self.addCleanup(self.folder.cleanup)

    def write(self, *lines):
        self.file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


class Checking(ConfigCase):
    def check(self, *arguments, **more):
        done = broker("--config", self.file, *arguments, **more)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_nothing_wrong(self):
        self.write("listener 1883 127.0.0.1", "max_packet_size 100000", "log_type all")
        for flag in ("--check", "-t", "--test-config"):
            self.assertEqual(self.check(flag), (0, ""))

    def test_does_not_listen(self):
        blocked = Program(WILCO, "broker", "--listen", "mqtt://127.0.0.1:0")
        port = blocked.line(r"event=ready.* listen=mqtt://127\.0\.0\.1:(\d+)", "stderr")[1]
        self.write(f"listener {port} 127.0.0.1")
        self.assertEqual(self.check("--check"), (0, ""))
        self.assertEqual(blocked.stop(), 0)

    def test_all_that_is_wrong(self):
        self.write("# one", "listeer 1883", "", "shards 0", "autosave_interval 1", "store memory")
        status, said = self.check("--check")
        self.assertEqual(status, 1)
        self.assertEqual(
            said.splitlines(),
            [
                f'wilco broker: {self.file}:2: unknown name "listeer"; did you mean listener?',
                f'wilco broker: {self.file}:4: shards: "0" is neither a number from 1 to 64 nor auto',
                f"wilco broker: {self.file}:5: autosave_interval: known from mosquitto, but nothing is kept on disk yet",
            ],
        )

    def test_a_long_list_has_an_end(self):
        self.write(*["xyzzy 1"] * 50)
        status, said = self.check("--check")
        self.assertEqual(status, 1)
        self.assertEqual(len(said.splitlines()), 21)
        self.assertEqual(said.splitlines()[-1], "wilco broker: and 30 more")

    def test_open_to_the_network(self):
        self.write("listener 1883")
        status, said = self.check("--check")
        self.assertEqual(status, 1)
        self.assertIn("allow_anonymous true", said)
        self.assertEqual(self.check("--check", "--allow-anonymous"), (0, ""))
        self.write("listener 1883", "allow_anonymous true")
        self.assertEqual(self.check("--check"), (0, ""))

    def test_options_are_checked_too(self):
        self.write("shards 2")
        status, said = self.check("--check", "--set", "shards=2", "--shards", 65)
        self.assertEqual(status, 1)
        self.assertIn('no setting called "shards=2"', said)

    def test_variables(self):
        self.write("listen mqtt://127.0.0.1:${TEST_PORT}")
        self.assertEqual(self.check("--check", env={"TEST_PORT": "1883"}), (0, ""))
        status, said = self.check("--check")
        self.assertEqual(status, 1)
        self.assertIn("wilco.conf:1: listen: this environment variable is not set: TEST_PORT", said)

    def test_no_such_file(self):
        status, said = self.check("--check")
        self.assertEqual(status, 1)
        self.assertEqual(said, f"wilco broker: {self.file}: cannot be read: No such file or directory\n")

    def test_the_shipped_file(self):
        self.assertEqual(run(WILCO, "broker", "--print-config"), SHIPPED.read_bytes())
        run(WILCO, "broker", "--config", SHIPPED, "--check")


class Running(ConfigCase):
    def start(self, *arguments):
        program = Program(WILCO, "broker", "--config", self.file, *map(str, arguments))
        self.addCleanup(program.stop)
        ready = program.line(r"event=ready listen=mqtt://127\.0\.0\.1:(\d+) shards=(\d+)", "stderr")
        self.url = f"mqtt://127.0.0.1:{ready[1]}"
        self.shards = int(ready[2])
        return program

    def publish(self, topic, status=0):
        run(WILCO, "pub", "--url", self.url, "-q", 1, topic, "x", status=status)

    def test_the_file_is_followed_and_options_prevail(self):
        self.write("listener 0 127.0.0.1", "shards 3", "topic_levels_max 2")
        self.start()
        self.assertEqual(self.shards, 3)
        self.publish("a/b", status=0)
        self.publish("a/b/c", status=0x90)
        self.start("--shards", 2, "--set", "topic_levels_max=3")
        self.assertEqual(self.shards, 2)
        self.publish("a/b/c", status=0)

    def test_sighup(self):
        self.write("listener 0 127.0.0.1", "shards 2", "topic_levels_max 2")
        program = self.start()
        self.publish("a/b/c", status=0x90)
        self.write("listener 0 127.0.0.1", "shards 3", "topic_levels_max 3", "log_level debug")
        program.process.send_signal(signal.SIGHUP)
        program.line("level=info event=setting_changed name=topic_levels_max from=2 to=3$", "stderr")
        program.line("level=info event=setting_changed name=log_level", "stderr")
        program.line("level=warning event=restart_needed name=shards", "stderr")
        program.line("level=info event=reloaded changed=2 restart_needed=1$", "stderr")
        self.publish("a/b/c", status=0)
        program.line("level=debug event=connected", "stderr")

    def test_each_listener_has_its_settings(self):
        listener = "listener 0 127.0.0.1"
        self.write(listener, "listener_no_matching_subscribers false", listener, "listener_inbox_prefix $r/%c")
        program = Program(WILCO, "broker", "--config", self.file)
        self.addCleanup(program.stop)
        one = r"listen=mqtt://127\.0\.0\.1:(\d+) "
        first, second = program.line(f"event=ready {one}{one}shards=", "stderr").groups()

        def answer(port):
            words = ("-h", "127.0.0.1", "-p", port, "-V", "5", "-q", "1", "-d", "-t", "nobody", "-m", "x")
            return re.search(rb"PUBACK \(Mid: 1, RC:(\d+)\)", run("mosquitto_pub", *words))[1]

        self.assertEqual((answer(first), answer(second)), (b"0", b"16"))
        self.write(listener, listener, "listener_inbox_prefix $r/%c")
        program.process.send_signal(signal.SIGHUP)
        program.line("level=warning event=restart_needed name=listen$", "stderr")
        program.line("level=info event=reloaded changed=0 restart_needed=1$", "stderr")
        self.assertEqual((answer(first), answer(second)), (b"0", b"16"))

    def test_sighup_takes_all_or_nothing(self):
        self.write("listener 0 127.0.0.1", "topic_levels_max 2")
        program = self.start()
        self.write("listener 0 127.0.0.1", "topic_levels_max 3", "listeer 1", "shards many")
        program.process.send_signal(signal.SIGHUP)
        program.line(r"event=reload_problem problem=\".*wilco.conf:3: unknown name 'listeer'; did", "stderr")
        program.line(r"event=reload_problem problem=\".*wilco.conf:4: shards: 'many' is", "stderr")
        program.line("level=error event=reload_refused problems=2$", "stderr")
        self.publish("a/b/c", status=0x90)
        self.file.unlink()
        program.process.send_signal(signal.SIGHUP)
        program.line("event=reload_problem .*cannot be read", "stderr")
        program.line("event=reload_refused problems=1$", "stderr")
        self.assertEqual(program.stop(), 0)

    def test_sighup_reads_what_has_taken_the_place_of_a_file(self):
        """The sandbox knows folders, not files: editors and packages rename a new file over the old one."""
        folder = pathlib.Path(self.folder.name) / "more"
        folder.mkdir()
        (folder / "a.conf").write_text("topic_levels_max 2\n", encoding="utf-8")
        self.write("listener 0 127.0.0.1", f"include_dir {folder}")
        program = self.start()
        for levels in (3, 4):
            new = self.file.with_suffix(".new")
            new.write_text(self.file.read_text(encoding="utf-8"), encoding="utf-8")
            new.rename(self.file)
            (folder / "new").write_text(f"topic_levels_max {levels}\n", encoding="utf-8")
            (folder / "new").rename(folder / f"{levels}.conf")
            (folder / f"{levels - 1}.conf").unlink(missing_ok=True)
            (folder / "a.conf").unlink(missing_ok=True)
            program.process.send_signal(signal.SIGHUP)
            program.line(f"event=setting_changed name=topic_levels_max from={levels - 1} to={levels}$", "stderr")

    def test_sighup_reads_nothing_elsewhere(self):
        elsewhere = tempfile.TemporaryDirectory()
        self.addCleanup(elsewhere.cleanup)
        self.write("listener 0 127.0.0.1", "topic_levels_max 2")
        program = self.start("--log-level", "debug")
        if any("event=no_sandbox" in line or "landlock=0" in line for line in program.said):
            self.skipTest("there is no such sandbox here")
        self.write("listener 0 127.0.0.1", "topic_levels_max 3", f"include_dir {elsewhere.name}")
        program.process.send_signal(signal.SIGHUP)
        program.line("event=reload_problem .*include_dir: .*Permission denied", "stderr")
        program.line("event=reload_refused problems=1 hint=.a running broker reads as the user", "stderr")
        self.publish("a/b/c", status=0x90)

    def test_sighup_without_descriptors(self):
        """The old configuration stays (CVE-2017-7652), and the next attempt works."""
        self.write("listener 0 127.0.0.1", "topic_levels_max 2")
        program = self.start("--shards", 1)
        pid = program.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), hard))
        self.write("listener 0 127.0.0.1", "topic_levels_max 3")
        program.process.send_signal(signal.SIGHUP)
        program.line("event=reload_problem .*cannot be read: Too many open files", "stderr")
        program.line("event=reload_refused", "stderr")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        self.publish("a/b/c", status=0x90)
        program.process.send_signal(signal.SIGHUP)
        program.line("event=reloaded changed=1", "stderr")
        self.publish("a/b/c", status=0)

    def test_half_a_file_changes_nothing(self):
        self.write("listener 0 127.0.0.1", "topic_levels_max 2")
        program = self.start()
        self.file.write_text("listener 0 127.0.0.1\ntopic_levels_max 3\nqueued_mess", encoding="utf-8")
        program.process.send_signal(signal.SIGHUP)
        program.line("event=reload_refused problems=1$", "stderr")
        self.publish("a/b/c", status=0x90)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_root_becomes_another_user(self):
        self.write("listener 0 127.0.0.1", "topic_levels_max 2")
        program = self.start("--user", "nobody", "--log-level", "debug")
        if any("event=no_sandbox" in line for line in program.said):
            self.skipTest("there is no such sandbox here")
        status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text(encoding="utf-8")
        uid = pwd.getpwnam("nobody").pw_uid
        self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n", status)
        program.process.send_signal(signal.SIGHUP)  # it was root who could read that
        program.line("event=reload_problem .*Permission denied", "stderr")
        self.publish("a/b/c", status=0x90)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_no_such_user(self):
        self.write("listener 0 127.0.0.1", "user nobody-of-this-name")
        for more in ((), ("--check",)):
            done = broker("--config", self.file, *more)
            self.assertEqual(done.returncode, 1)
            self.assertIn("user nobody-of-this-name: there is no such user", done.stderr)

    def test_sighup_without_a_file_ends_it(self):
        program = Program(WILCO, "broker", "--listen", "mqtt://127.0.0.1:0")
        program.line("event=ready", "stderr")
        self.assertEqual(program.stop(signal.SIGHUP), -signal.SIGHUP)


if __name__ == "__main__":
    unittest.main()
