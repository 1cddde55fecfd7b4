#!/usr/bin/env python3
"""Sealed keys at a terminal that is none of ours: who is asked for a passphrase, how often, without echo, and that it
is nowhere but in the nodes' memory.

    passphrase.py KITH [unittest's arguments]"""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

KITH = os.path.abspath(sys.argv[1])
PATIENCE_S = 60
RIGHT, WRONG = "correct horse battery", "incorrect horse battery"
CTRL_C = "\x03"


class Terminal:
    """A command in a session of its own, whose terminal we are."""

    def __init__(self, *command, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, env)
        self.shown, self.status = "", None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, end):
        """What comes next; False when the terminal is closed."""
        if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError(f"nothing came in time behind:\n{self.shown}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: nobody has the other side any more
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)

    def until(self, text):
        end = time.monotonic() + PATIENCE_S
        start = getattr(self, "seen", 0)
        while text not in self.shown[start:]:
            if not self.read(end):
                raise AssertionError(f"it ended without {text!r}:\n{self.shown}")
        self.seen = self.shown.index(text, start) + len(text)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def answer(self, question, text):
        self.until(question)
        assert not self.echoes(), "the terminal shows what is typed"
        os.write(self.fd, (text if text == CTRL_C else text + "\n").encode())

    def end(self):
        """The exit code; all that was shown is in `shown`."""
        end = time.monotonic() + PATIENCE_S
        while self.read(end):
            pass
        self.status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self.status)


class Passphrase(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="kith-e2e-pass-")
        self.dir = os.path.join(self.scratch, "state")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
        self.env.update(KITH_DIR=self.dir, NO_COLOR="1")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.addCleanup(self.plain, "stop")

    def plain(self, *arguments, **more):
        """Without any terminal."""
        return subprocess.run([KITH, *arguments], env={**self.env, **more}, stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, text=True, timeout=PATIENCE_S, start_new_session=True)

    def terminal(self, *arguments):
        return Terminal(KITH, *arguments, env=self.env)

    def init(self, nodes=1):
        with self.terminal("init", "--nodes", str(nodes), "--passphrase") as t:
            t.answer("New passphrase for node", RIGHT)
            t.answer("The same once more: ", RIGHT)
            self.assertEqual(t.end(), 0, t.shown)
            self.assertNotIn(RIGHT, t.shown)

    def nodes(self):
        return {n["name"]: n for n in json.loads(self.plain("ps", "--json").stdout)["nodes"]}

    def up(self, question, *arguments):
        with self.terminal("up", "--detach", *arguments) as t:
            t.answer(question, RIGHT)
            self.assertEqual(t.end(), 0, t.shown)
            self.assertEqual(t.shown.count("assphrase"), 1, t.shown)
            self.assertNotIn(RIGHT, t.shown)

    def test_three_nodes_are_one_question_and_the_passphrase_lies_nowhere(self):
        self.init(3)
        self.up("Passphrase for nodes n1, n2, n3: ")
        nodes = self.nodes()
        self.assertEqual([n["state"] for n in nodes.values()], ["ready"] * 3)
        for node in nodes.values():
            for what in ("cmdline", "environ"):
                with open(f"/proc/{node['pid']}/{what}", "rb") as file:
                    self.assertNotIn(RIGHT.encode(), file.read())
            inherited = f"/proc/{node['pid']}/fd/3"
            with open(f"/proc/{node['pid']}/cmdline", "rb") as file:
                self.assertIn(b"--passphrase-fd\0003\0", file.read())
            if os.path.exists(inherited):  # the number may have been used again; the pipe is gone
                self.assertFalse(os.readlink(inherited).startswith("pipe:"))
        for at, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(at, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(RIGHT.encode(), file.read(), path)

        # One that died is started again by whoever knows it, and by nobody else; the others are not disturbed.
        os.kill(nodes["n2"]["pid"], signal.SIGKILL)
        refused = self.plain("up", "--detach", "--json")
        self.assertEqual(refused.returncode, 5, refused.stderr)
        self.assertEqual(json.loads(refused.stdout)["error"]["code"], "passphrase_needed")
        self.assertIn("keys.passphrase_file", refused.stderr)
        self.assertEqual(self.nodes()["n1"]["state"], "ready")
        self.up("Passphrase for node n2: ")
        again = self.nodes()
        self.assertEqual(again["n2"]["node"], nodes["n2"]["node"])
        self.assertEqual(again["n1"]["pid"], nodes["n1"]["pid"])
        self.assertEqual(self.plain("up", "--detach").returncode, 0)  # all run: nobody is asked

    def test_three_wrong_ones_are_the_end(self):
        self.init()
        for command in ("up", "run", "did show"):
            with self.terminal(*command.split()) as t:
                for _ in range(3):
                    t.answer("Passphrase for node n1: ", WRONG)
                self.assertEqual(t.end(), 5, t.shown)
                self.assertEqual(t.shown.count("Passphrase for"), 3)
                self.assertIn("passphrase_wrong", t.shown)
                self.assertNotIn(WRONG, t.shown)
        self.assertEqual(self.nodes()["n1"]["state"], "stopped")

    def test_ctrl_c_ends_it_and_the_terminal_shows_again_what_is_typed(self):
        self.init()
        # A shell between, so that the terminal is there to be looked at when the command has gone.
        for command in ("up", "run", "did show", "did new --passphrase --out new.key"):
            with Terminal("/bin/sh", "-c", f"trap : INT; cd {self.scratch}; {KITH} {command}; echo code=$?; read x",
                          env=self.env) as t:
                t.answer("assphrase for ", CTRL_C)
                t.until("code=1")
                self.assertTrue(t.echoes())
                self.assertIn("interrupted", t.shown)
        self.assertFalse(os.path.exists(os.path.join(self.scratch, "new.key")))

    def test_other_ends_of_the_question(self):
        self.init()
        for ending in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.terminal("run") as t:
                t.until("Passphrase for node n1: ")
                os.kill(t.pid, ending)
                self.assertEqual(t.end(), 1, t.shown)
        with self.terminal("run") as t:
            t.answer("Passphrase for node n1: ", "\x04")  # Ctrl-D
            self.assertEqual(t.end(), 1, t.shown)
        with self.terminal("run") as t:
            t.answer("Passphrase for node n1: ", "x" * 2000)
            self.assertEqual(t.end(), 1, t.shown)
            self.assertIn("passphrase_size", t.shown)

    def test_without_a_terminal_the_setting_is_named_and_the_file_works(self):
        self.init()
        for command in (["up"], ["run"], ["did", "show"]):
            refused = self.plain(*command)
            self.assertEqual(refused.returncode, 5, refused.stderr)
            self.assertRegex(refused.stderr, r"no terminal.*set keys\.passphrase_file")
        # A terminal that the process belongs to, and a stdin that is none: a script is not held up.
        with Terminal("/bin/sh", "-c", f"{KITH} run </dev/null", env=self.env) as t:
            self.assertEqual(t.end(), 5, t.shown)
            self.assertIn("stdin is no terminal", t.shown)
        path = os.path.join(self.scratch, "passphrase")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(RIGHT + "\n")
        done = self.plain("up", "--detach", KITH_KEYS_PASSPHRASE_FILE=path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.plain("did", "show").returncode, 0)  # it runs: it says it itself
        self.assertEqual(self.plain("doctor").returncode, 0)

    def test_run_takes_what_is_typed_and_stops_by_ctrl_c_as_ever(self):
        self.init()
        with self.terminal("run") as t:
            t.answer("Passphrase for node n1: ", RIGHT)
            t.until("Node n1 is at ")
            self.assertTrue(t.echoes())
            os.write(t.fd, CTRL_C.encode())
            self.assertEqual(t.end(), 0, t.shown)

    def test_up_with_passphrase_makes_a_cluster_and_seals_one_that_is_there(self):
        with self.terminal("up", "--detach", "--passphrase") as t:
            t.answer("New passphrase for node n1: ", "too short")
            t.until("at least 16 bytes")
            t.answer("New passphrase for node n1: ", RIGHT)
            t.answer("The same once more: ", RIGHT)
            self.assertEqual(t.end(), 0, t.shown)
        before = self.nodes()["n1"]["node"]
        self.assertEqual(self.plain("stop").returncode, 0)
        self.up("Passphrase for node n1: ")
        self.assertEqual(self.nodes()["n1"]["node"], before)

    def test_a_plain_cluster_asks_nothing(self):
        with self.terminal("up", "--detach") as t:
            self.assertEqual(t.end(), 0, t.shown)
            self.assertNotRegex(t.shown, re.compile("passphrase", re.I))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
