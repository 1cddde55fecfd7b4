#!/usr/bin/env python3
"""The examples, as somebody would try them: each by its own program, which is the whole command line.

    examples.py BIN_DIRECTORY [unittest's arguments]"""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, wait_until

BIN = sys.argv[1]


class Examples(unittest.TestCase):
    def cluster(self, name, nodes=1):
        return Cluster(os.path.join(BIN, name), nodes, label="kith-e2e-example")

    def test_hello_greets_by_text_and_remembers_its_visits(self):
        with self.cluster("hello") as c:
            c.start()
            c.spawn("greeter", "ada", "n1")
            done = c.run("ask", "ada", "greet", "Grace")
            self.assertEqual((done.returncode, done.stdout.strip()), (0, "hello, Grace"))
            self.assertEqual(c.ask("ada", "greet", "Lin"), "hello, Lin")
            c.stop()

    def test_counter_keeps_its_value_over_a_kill_and_over_a_stop(self):
        with self.cluster("counter") as c:
            c.start()
            c.spawn("counter", "c", "n1")
            for _ in range(5):
                c.cli("send", "c", "add", "--json-payload", "5")
            wait_until("the sum", lambda: c.ask("c", "get") == 25)
            c["n1"].kill()
            c["n1"].start()
            c.wait_ready()
            wait_until("the agent", lambda: c.run("ask", "c", "get").returncode == 0)
            self.assertEqual(c.ask("c", "get"), 25)
            c.stop()
            c.start()
            wait_until("the agent", lambda: c.run("ask", "c", "get").returncode == 0)
            self.assertEqual(c.ask("c", "get"), 25)
            refused = c.run("ask", "c", "add", "five")
            self.assertEqual(refused.returncode, 1)
            c.stop()

    def test_relay_race_goes_round_three_nodes_while_one_is_killed(self):
        laps = 60
        with self.cluster("relay_race", 3) as c:
            c.start()
            runners = [c.spawn("runner", f"r{i}", f"n{i}") for i in (1, 2, 3)]
            c.ask("r1", "start", "--json-payload", json.dumps({"laps": laps, "runners": runners}), "--node", "n1")
            report = lambda i: c.ask(f"r{i}", "report", "--node", f"n{i}")
            wait_until("some laps", lambda: report(1)["held"] >= 5)
            c["n2"].kill()
            c["n2"].start()
            c.wait_ready()
            for i in (1, 2, 3):
                wait_until(f"the end for r{i}", lambda i=i: report(i)["finished"])
                self.assertEqual((report(i)["held"], report(i)["faults"]), (laps, 0))
            c.stop()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
