#!/usr/bin/env python3
"""The examples, as somebody would try them: each by its own program, which is the whole command line.

    examples.py BIN_DIRECTORY [unittest's arguments]"""
import json
import os
import sys
import time
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

    def test_supervised_workers_are_restarted_by_their_supervisors_strategy(self):
        with self.cluster("supervised") as c:
            c.start()

            def hire(name, under, *more):
                c.cli("spawn", "worker", "--name", name, "--under", under, *more)
            hire("ann", "desk")
            hire("bob", "desk")
            hire("cyd", "yard")
            hire("dan", "yard", "--restart", "temporary")
            report = lambda who: c.ask(who, "report")
            lives = lambda who: (lambda done: json.loads(done.stdout)["json"]["lives"] if done.returncode == 0 else 0)(
                c.run("ask", who, "report", "--json", "--timeout", "2s"))
            for who in ("ann", "bob", "cyd", "dan"):
                c.ask(who, "work", "an hour")
                self.assertEqual(report(who), {"done": 1, "lives": 1, "fresh": 1})

            poisoned = c.run("ask", "ann", "work", "poison")
            self.assertEqual(poisoned.returncode, 1)
            self.assertIn("this is poison", poisoned.stdout + poisoned.stderr)
            wait_until("ann's next life", lambda: lives("ann") == 2)
            wait_until("bob's too", lambda: lives("bob") == 2)
            self.assertEqual(report("bob"), {"done": 1, "lives": 2, "fresh": 0})
            self.assertEqual(report("cyd"), {"done": 1, "lives": 1, "fresh": 1})
            letters = c.cli("dlq", "ls")
            self.assertEqual([one["reason"] for one in letters], ["it crashed the agent: this is poison"])

            c.cli("send", "cyd", "work", "poison")
            wait_until("cyd's next life", lambda: lives("cyd") == 2)
            self.assertEqual(lives("bob"), 2)

            c["n1"].kill()  # who belongs where is in the store
            c["n1"].start()
            c.wait_ready()
            wait_until("all of them", lambda: [lives(who) for who in ("ann", "bob", "cyd", "dan")] == [3, 3, 3, 2])
            tree = c.cli("tree")
            names = lambda of: [one["name"].split()[0] for one in of["children"]]
            below = lambda of, name: next(one for one in of["children"] if one["name"].split()[0] == name)
            office = below(below(tree, "agents"), "office")
            self.assertEqual(names(office), ["desk", "yard"])
            self.assertEqual(names(below(office, "desk")), ["ann", "bob"])

            c.cli("send", "dan", "work", "poison")  # temporary: that was it
            wait_until("dan's end", lambda: below(below(below(below(c.cli("tree"), "agents"), "office"), "yard"),
                                                  "dan")["state"] == "failed")
            for life in range(4, 7):
                c.cli("send", "bob", "work", "poison")
                wait_until("the desk again", lambda life=life: lives("ann") == life)
            c.cli("send", "bob", "work", "poison")  # past the desk's intensity, not past the office's
            wait_until("the desk anew", lambda: lives("ann") == 7)
            self.assertEqual(below(below(c.cli("tree"), "agents"), "office")["children"][0]["restarts"], 1)
            self.assertEqual(lives("cyd"), 3)
            c.stop()
            c.start()
            wait_until("all but dan", lambda: [lives(who) for who in ("ann", "bob", "cyd")] == [8, 8, 4])
            self.assertNotIn("dan", [one["name"] for one in c.cli("agents")])
            unknown = c.run("spawn", "worker", "--under", "cellar")
            self.assertIn("declares no supervisor cellar", unknown.stderr)
            c.stop()

    def test_travel_books_once_or_takes_back_while_nodes_are_killed(self):
        with self.cluster("travel", 3) as c:
            c.start()
            c.spawn("travel", "agency", "n1")
            journey = {"hotel": c.spawn("hotel", "inn", "n2"), "airline": c.spawn("airline", "sky", "n3"),
                       "taxi": c.spawn("taxi", "cab", "n2"), "nights": 2, "bill": os.path.join(c.dir, "bill")}

            def payments():
                with open(journey["bill"], encoding="utf-8") as file:
                    return [int(line.split()[1]) for line in file]

            book = lambda: c.cli("send", "agency", "book", "--json-payload", json.dumps(journey), "--node", "n1")["id"]
            asked = lambda who, kind, node: json.loads(c.run("ask", who, kind, "--json", "--node", node).stdout or "{}")
            book()
            wait_until("it to wait for the airline", lambda: c.cli("handlers", "ls", "--agent", "agency"))
            c["n1"].kill()
            c["n1"].start()
            c.wait_ready()
            wait_until("the journey", lambda: asked("agency", "journeys", "n1").get("json") == 1)
            self.assertEqual(payments(), [280])
            self.assertEqual(c.cli("handlers", "ls"), [])

            c.ask("cab", "strike", "--json-payload", "true", "--node", "n2")
            book()
            wait_until("it to wait for the airline", lambda: c.cli("handlers", "ls", "--agent", "agency"))
            c["n3"].kill()
            c["n3"].start()
            c.wait_ready()
            wait_until("all to be taken back", lambda: asked("inn", "taken", "n2").get("json") == 2)
            wait_until("the end", lambda: not c.cli("handlers", "ls"))
            self.assertEqual(payments(), [280, 280, -280])

            c["n3"].kill()  # an airline that does not answer
            waiting = book()
            shown = wait_until("what waits", lambda: c.cli("handlers", "show", waiting))
            self.assertIn("ask quote of did:key", json.dumps(shown["awaits"]))
            self.assertEqual((shown["name"], shown["kind"]), ("agency", "book"))
            done = c.run("handlers", "cancel", waiting, "--reason", "too late")
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_until("its end", lambda: not c.cli("handlers", "ls", "--agent", "agency"))
            self.assertEqual(c.cli("where", waiting)["state"], "handled")
            wait_until("the room to be free again", lambda: asked("inn", "taken", "n2").get("json") == 2)
            self.assertEqual(c.run("handlers", "show", waiting).returncode, 4)
            self.assertEqual(payments(), [280, 280, -280])
            c["n3"].start()
            c.wait_ready()
            c.stop()

    def test_supervised_workers_hear_of_each_other_across_nodes(self):
        with self.cluster("supervised", 2) as c:
            c.start()
            c.spawn("worker", "eve", "n1")
            whom = {"fay": "n1", "gus": "n2", "hal": "n2"}
            dids = {name: c.spawn("worker", name, node) for name, node in whom.items()}
            heard = lambda: c.ask("eve", "heard", "--node", "n1")
            for did in dids.values():
                c.ask("eve", "mind", did)
            c.ask("eve", "work", "a little")
            self.assertEqual(heard(), [])
            c.cli("send", "fay", "work", "poison")
            wait_until("fay's crash", lambda: heard() == ["crashed: this is poison"])
            c.cli("send", "gus", "work", "poison")
            wait_until("gus's crash, from n2", lambda: heard()[1:] == ["crashed: this is poison"])
            c.cli("send", "gus", "go home")
            wait_until("gus's end", lambda: heard()[2:] == ["stopped"])
            c["n2"].kill()
            wait_until("the link's end", lambda: sorted(heard()[3:]) == ["unreachable: the link to its node broke"] * 2)
            c.ask("eve", "mind no more", dids["gus"])
            c["n2"].start()
            c.wait_ready()
            c.run("ask", "hal", "report", "--node", "n2")
            c.cli("send", "hal", "work", "poison")  # the watch was made anew with the link
            wait_until("hal's crash", lambda: heard()[5:] == ["crashed: this is poison"])

            c["n1"].kill()  # and it survives its watcher's node
            c["n1"].start()
            c.wait_ready()
            wait_until("eve", lambda: c.run("ask", "eve", "heard", "--node", "n1").returncode == 0)
            before = len(heard())
            wait_until("a crash that eve hears of", lambda: c.cli("send", "hal", "work", "poison", "--node", "n2") and
                       any(one == "crashed: this is poison" for one in heard()[before:]), interval_s=0.5)
            crashes = c.cli("crashes")
            self.assertTrue(all(one["reason"] == "this is poison" and "(work)" in one["handling"] for one in crashes))
            c.stop()

    def test_reminder_notes_come_once_each_over_a_kill(self):
        with self.cluster("reminder") as c:
            c.start()
            pad = c.spawn("notepad", "pad", "n1")
            c.spawn("reminder", "r", "n1")

            def remind(text, **when):
                return c.ask("r", "remind", "--json-payload", json.dumps({"text": text, "to": pad, **when}))
            read = lambda: c.ask("pad", "read")
            notes_of = lambda who: [line for line in read() if line.startswith(who + " ")]
            timers = lambda: c.cli("timers", "r")["timers"]
            beat = remind("beat", every_s=0.5)
            soon = remind("soon", after_s=2)
            late = remind("late", after_s=100_000)
            daily = remind("daily", cron="0 9 * * MON-FRI", zone="Europe/Berlin")
            self.assertEqual([one["id"] for one in timers()], sorted([beat, soon, late, daily]))
            wait_until("a beat", lambda: notes_of(beat))
            c["n1"].kill()
            time.sleep(2.5)  # the timers' time passes while nobody is there
            c["n1"].start()
            c.wait_ready()
            wait_until("the agents", lambda: c.run("ask", "pad", "read").returncode == 0)
            wait_until("what was missed", lambda: notes_of(soon) == [f"{soon} #1: soon"])
            before = len(notes_of(beat))
            wait_until("more beats", lambda: len(notes_of(beat)) >= before + 3)

            c["n1"].kill()
            c["n1"].start()
            c.wait_ready()
            wait_until("the agents", lambda: c.run("ask", "pad", "read").returncode == 0)
            wait_until("the beat goes on", lambda: len(notes_of(beat)) >= before + 5)
            self.assertEqual([one["id"] for one in timers()], sorted([beat, late, daily]))
            c.cli("timers", "cancel", "r", beat)
            self.assertTrue(c.ask("r", "cancel", late))
            wait_until("rest", lambda: notes_of(beat)[-1] == f"{beat} #{len(notes_of(beat))}: beat")
            beats = notes_of(beat)
            self.assertEqual(beats, [f"{beat} #{i + 1}: beat" for i in range(len(beats))])  # none twice, none lost
            self.assertEqual(notes_of(soon), [f"{soon} #1: soon"])
            self.assertEqual(notes_of(late) + notes_of(daily), [])
            listed = timers()
            self.assertEqual([one["id"] for one in listed], [daily])
            self.assertEqual((listed[0]["schedule"], listed[0]["missed"]), ("0 9 * * MON-FRI Europe/Berlin", "skip"))
            unknown = c.run("timers", "cancel", "r", "nothing")
            self.assertEqual(unknown.returncode, 4)
            wrong = json.dumps({"text": "x", "to": pad, "cron": "every day"})
            bad = c.run("ask", "r", "remind", "--json-payload", wrong)
            self.assertEqual(bad.returncode, 1)
            self.assertIn("5 fields are wanted", bad.stdout + bad.stderr)
            c.stop()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
