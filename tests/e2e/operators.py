#!/usr/bin/env python3
"""What an operator sees and leaves behind, on real nodes: the audit log, levels of the log, `kith top`.

    operators.py PROGRAM [unittest's arguments]"""
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import unittest

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, wait_until

PROGRAM = sys.argv[1]


class Operators(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(PROGRAM, 1, label="kith-e2e-operators")
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__, None, None, None)
        self.cluster.start()
        self.node = self.cluster["n1"]
        self.log = os.path.join(self.node.dir, "audit.log")

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def rewrite(self, lines):
        with open(self.log, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def verify(self, code=0, *more):
        return self.cluster.cli("audit", "verify", *more, code=code)[0]

    def test_what_changes_something_is_in_the_audit_log_and_what_looks_is_not(self):
        c = self.cluster
        c.spawn("troubled", "t", "n1")
        c.cli("spawn", "no_such_type", code=4)
        c.cli("send", "t", "work", "--json-payload", "1")
        c.cli("agents")
        c.cli("log-level", "warn")
        self.assertEqual(self.node.stop(), 0)  # by a signal, not by the control socket
        acts = c.cli("audit", "show")
        self.assertEqual([(a["act"], a["outcome"]) for a in acts],
                         [("spawn", "ok"), ("spawn", "unknown_type"), ("log_level", "ok")])
        self.assertEqual(acts[0]["subject"], "type=troubled name=t node=n1")
        for act in acts:
            self.assertRegex(act["who"], rf"^uid={os.getuid()},pid=\d+$")
        self.assertEqual(os.stat(self.log).st_mode & 0o777, 0o600)
        self.assertTrue(self.verify()["good"])

    def test_stop_is_noted_before_the_node_stops(self):
        self.cluster.cli("stop")
        self.node.process.wait(30)
        self.assertEqual([a["act"] for a in self.cluster.cli("audit", "show")], ["stop"])

    def test_changes_of_the_audit_log_are_found(self):
        for level in ("debug", "warn", "error", "info"):
            self.cluster.cli("log-level", level)
        good = self.lines()
        report = self.verify()
        self.assertEqual((report["lines"], report["findings"]), (4, []))
        head = report["head"]
        self.rewrite([good[0], good[1].replace("level=warn", "level=off"), *good[2:]])
        found = self.verify(8)["findings"]
        self.assertEqual(len(found), 1)
        self.assertIn("seq 2 was changed", found[0]["what"])
        self.rewrite([good[0], *good[2:]])
        self.assertIn("seq 2 was removed", self.verify(8)["findings"][0]["what"])
        self.rewrite(good[:2])
        self.assertEqual(self.verify()["findings"], [])  # it cannot know
        self.assertIn("cut off", self.verify(8, "--node", "n1", "--head", head)["findings"][0]["what"])
        self.rewrite(good)
        self.verify(0, "--node", "n1", "--head", head)

    def test_a_line_that_a_kill_left_unfinished_is_mended_at_the_next_start(self):
        self.cluster.cli("log-level", "warn")
        self.node.kill()
        with open(self.log, "a", encoding="utf-8") as file:
            file.write('{"seq":2,"at_ms":17')
        self.assertTrue(self.verify()["unfinished"])
        self.cluster.start()
        self.cluster.cli("log-level", "info")
        self.assertEqual([a["act"] for a in self.cluster.cli("audit", "show")], ["log_level", "mended", "log_level"])
        self.assertTrue(self.verify()["good"])

    def test_a_damaged_end_keeps_the_node_from_starting_until_it_is_moved_away(self):
        self.cluster.cli("log-level", "warn")
        self.node.kill()
        self.rewrite(["something else"])
        self.assertEqual(self.node.start().process.wait(60), 8)
        self.assertIn("audit_damaged", self.node.log())
        os.rename(self.log, self.log + ".damaged")
        self.cluster.start()

    def test_a_second_process_of_the_node_leaves_the_audit_log_alone(self):
        self.cluster.cli("log-level", "warn")
        with open(self.log, "a", encoding="utf-8") as file:
            file.write("being written")
        self.assertNotEqual(self.cluster.run("run", "--node", "n1").returncode, 0)
        with open(self.log, encoding="utf-8") as file:
            self.assertTrue(file.read().endswith("being written"))

    def test_log_levels_change_at_once_for_one_logger_or_all_and_go_back(self):
        level_of = lambda logger: next(l["level"] for l in self.cluster.cli("log-level") if l["logger"] == logger)
        self.assertEqual(level_of("link"), "info")
        self.cluster.cli("log-level", "link", "debug")
        self.assertEqual((level_of("link"), level_of("node")), ("debug", "info"))
        self.cluster.cli("log-level", "off", "--for", "1s")
        self.assertEqual((level_of("link"), level_of("node")), ("off", "off"))
        wait_until("the levels to be back", lambda: level_of("link") == level_of("node") == "info")
        self.assertIn("log level back", self.node.log())
        self.cluster.cli("log-level", "nobody", "debug", code=4)
        self.cluster.cli("log-level", "loud", code=2)

    def test_top_shows_the_node_once_without_a_terminal(self):
        self.cluster.spawn("troubled", "t", "n1")
        for _ in range(3):
            self.cluster.cli("send", "t", "work", "--json-payload", "1")
        top = self.cluster.cli("top", "--interval", "500ms")
        self.assertEqual((top["nodes"][0]["name"], top["nodes"][0]["state"]), ("n1", "ready"))
        self.assertGreater(top["nodes"][0]["memory_bytes"], 1 << 20)
        self.assertIn("t", [a["name"] for a in top["agents"]])
        text = self.cluster.run("top", "--once", "--interval", "200ms").stdout
        self.assertNotIn("\x1b", text)
        self.assertIn("JOURNAL", text)

    def top_in_a_terminal(self, end):
        """What `kith top` wrote to a terminal until `end(process, terminal)` ended it; its exit code."""
        terminal, side = pty.openpty()
        try:
            before = termios.tcgetattr(side)
            process = subprocess.Popen([PROGRAM, "top", "--dir", self.cluster.dir, "--interval", "200ms"],
                                       stdin=side, stdout=side, stderr=side, start_new_session=True)
            seen = b""

            def more():
                nonlocal seen
                while select.select([terminal], [], [], 0)[0]:
                    seen += os.read(terminal, 65536)
                return seen.count(b"\x1b[H") >= 3
            try:
                wait_until("three pages", more)
                end(process, terminal)
                code = wait_until("its end", lambda: (more(), process.poll())[1] is not None and (process.returncode,))
                more()
                return seen, code[0], before == termios.tcgetattr(side)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        finally:
            os.close(terminal)
            os.close(side)

    def test_top_is_live_at_a_terminal_and_leaves_it_as_it_was(self):
        ends = {"q": lambda p, t: os.write(t, b"q"), "Ctrl-C": lambda p, t: os.write(t, b"\x03"),
                "SIGTERM": lambda p, t: p.send_signal(signal.SIGTERM)}
        for name, end in ends.items():
            with self.subTest(name):
                seen, code, same = self.top_in_a_terminal(end)
                self.assertEqual(code, 0)
                self.assertTrue(same)
                self.assertTrue(seen.startswith(b"\x1b[?1049h"))
                self.assertTrue(seen.endswith(b"\x1b[?25h\x1b[?1049l"))
                self.assertIn(b"n1", seen)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
