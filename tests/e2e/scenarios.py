#!/usr/bin/env python3
"""What goes wrong around agents, played on clusters of real processes: nodes that are down, handlers that throw,
messages that crash the process, wrong secrets, taken ports and directories, stops. By the command line, as a person
would see it; tests are named by what must hold.

    scenarios.py PROGRAM AUDIT [unittest's arguments]"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import PATIENCE_S, Cluster, uuid7, wait_until

PROGRAM, AUDIT = sys.argv[1:3]


class Scenario(unittest.TestCase):
    """One cluster a test, with `troubled` agents where a test asks for them."""
    nodes = 2
    settings = ("turn.retry_delay_ms=20", "turn.retry_delay_ms_max=100", "turn.attempts_max=3")

    def run(self, result):
        with Cluster(PROGRAM, self.nodes, self.settings, "kith-e2e-scenario") as self.cluster:
            failed_before = len(result.failures) + len(result.errors)
            super().run(result)
            self.cluster.keep = len(result.failures) + len(result.errors) > failed_before
            if self.cluster.keep:
                print(f"{self.id()}: " + "".join(f"\n-- {n.name}:\n{n.log()[-3000:]}"
                                                 for n in self.cluster.nodes.values()), file=sys.stderr)
        self.cluster = None

    def spawn_remote(self):
        """A started cluster with an agent `t` on n2; its DID."""
        self.cluster.start()
        return self.cluster.spawn("troubled", "t", "n2")

    def send(self, to, kind, value, *more, node="n1"):
        return self.cluster.cli("send", to, kind, "--json-payload", str(value), "--node", node, *more)["id"]

    def state_of(self, uid):
        return self.cluster.cli("where", uid)["state"]

    def becomes(self, uid, state, patience_s=PATIENCE_S):
        seen = set()

        def looks():
            seen.add(self.state_of(uid))
            return state in seen
        try:
            wait_until(f"message {uid} being {state}", looks, patience_s)
        except Exception as e:
            raise AssertionError(f"{e}; it was {seen}") from e

    def sum_is(self, did, expected, node="n2"):
        """Now and for good: asked for until it is so, and then once more."""
        read = lambda: self.cluster.ask(did, "sum", "--node", node, "--timeout", "10s")
        wait_until(f"the sum being {expected}", lambda: read() == expected)
        self.assertEqual(read(), expected)


class WhereMessagesGo(Scenario):
    def test_what_is_sent_to_a_node_that_is_down_waits_and_arrives_once(self):
        did = self.spawn_remote()
        self.assertEqual(self.cluster["n2"].stop(), 0)
        ids = [self.send(did, "work", 1) for _ in range(20)]
        self.assertEqual(self.state_of(ids[0]), "queued")
        self.cluster["n1"].kill()
        self.cluster["n1"].start()
        self.cluster.wait_ready()
        self.assertEqual(self.state_of(ids[-1]), "queued")
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        self.sum_is(did, 20)
        for uid in ids:
            self.becomes(uid, "handled")

    def test_a_store_that_is_put_back_is_refused_and_restored_when_the_operator_says_so(self):
        did = self.spawn_remote()
        node = self.cluster["n2"]
        store, backup = os.path.join(node.dir, "store"), os.path.join(node.dir, "backup")
        mark = os.path.join(node.dir, "restored")

        def put_back():
            shutil.rmtree(store)
            shutil.copytree(backup, store)
            node.start()
        for _ in range(5):
            self.send(did, "work", 1)
        self.sum_is(did, 5)
        self.assertEqual(node.stop(), 0)
        shutil.copytree(store, backup)
        node.start()
        self.cluster.wait_ready()
        # By more positions than a start takes: of fewer, peers that tell only a number cannot know (docs/LIMITS.md).
        for total in range(6, 36):
            last = self.send(did, "work", 1)
            self.sum_is(did, total)
        self.becomes(last, "handled")
        node.kill()
        put_back()
        self.assertNotEqual(node.process.wait(PATIENCE_S), 0)
        node.disconnect()
        self.assertIn("store_rewound", node.log())
        with open(mark, "w", encoding="utf-8"):
            pass
        put_back()
        self.cluster.wait_ready()
        self.assertFalse(os.path.exists(mark))
        self.send(did, "work", 1)
        self.sum_is(did, 6)
        self.assertRegex(node.log(), r"positions \d+ to \d+ of .* were lost in a restore")
        node.kill()  # its next start is one like any other
        node.start()
        self.cluster.wait_ready()
        self.sum_is(did, 6)

    def test_the_same_id_is_the_same_message_also_after_a_crash(self):
        did = self.spawn_remote()
        uid = uuid7()
        self.send(did, "work", 7, "--id", uid)
        self.becomes(uid, "handled")
        self.cluster["n1"].kill()
        self.cluster["n1"].start()
        self.cluster.wait_ready()
        again = self.cluster.cli("send", did, "work", "--json-payload", "7", "--node", "n1", "--id", uid)
        self.assertTrue(again["duplicate"])
        self.send(did, "work", 1)
        self.sum_is(did, 8)

    def test_qos_1_is_not_lost_with_either_process_and_only_failures_are_known_by_id(self):
        did = self.spawn_remote()
        self.cluster["n2"].kill()
        ids = [self.send(did, "work", 1, "--qos", "1") for _ in range(10)]
        refused = self.send(did, "refuse", 100, "--qos", "1")
        dead = self.send(did, "throw", 100, "--qos", "1")
        expired = self.send(did, "work", 100, "--qos", "1", "--ttl", "1ms")
        last = self.send(did, "work", 1)
        self.cluster["n1"].kill()
        self.cluster["n1"].start()
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        self.sum_is(did, 11)
        for uid, state in ((refused, "refused"), (dead, "dead"), (expired, "expired"), (last, "handled")):
            self.becomes(uid, state)
        history = self.cluster.cli("where", dead)["history"]
        self.assertEqual(sorted(h["node_name"] for h in history), ["n1", "n2"])
        for uid in ids:
            self.assertEqual(self.cluster.cli("where", uid, code=4)["state"], "unknown")
        self.cluster["n2"].kill()  # what came and was handled is not handled once more
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        self.sum_is(did, 11)

    def test_the_same_id_of_qos_1_is_handled_again(self):
        did = self.spawn_remote()
        uid = uuid7()
        for _ in range(2):
            sent = self.cluster.cli("send", did, "work", "--json-payload", "7", "--qos", "1", "--id", uid)
            self.assertEqual((sent["id"], sent["duplicate"]), (uid, False))
        self.sum_is(did, 14)

    def test_where_tells_handled_from_refused_and_unknown(self):
        did = self.spawn_remote()
        handled, refused = self.send(did, "work", 1), self.send(did, "refuse", 5)
        self.becomes(handled, "handled")
        self.becomes(refused, "refused")
        wrong = self.cluster.cli("send", did, "work", "no number")["id"]
        self.becomes(wrong, "refused")
        self.assertEqual(self.cluster.cli("where", uuid7(), code=4)["state"], "unknown")
        self.sum_is(did, 1)

    def test_what_expires_while_the_recipients_node_is_down_is_not_handled(self):
        did = self.spawn_remote()
        self.assertEqual(self.cluster["n2"].stop(), 0)
        short, long = self.send(did, "work", 100, "--ttl", "1s"), self.send(did, "work", 1, "--ttl", "10m")
        time.sleep(1.5)
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        self.becomes(long, "handled")
        self.becomes(short, "expired")
        self.sum_is(did, 1)

    def test_an_answer_finds_its_asker_after_the_askers_crash_and_runs_its_handler_once(self):
        did = self.spawn_remote()
        self.send(did, "work", 5)
        self.sum_is(did, 5)
        asker = self.cluster.spawn("asker", "a", "n1")
        self.assertEqual(self.cluster["n2"].stop(), 0)
        question = f'{{"whom": "{did}", "kind": "sum", "deadline_ms": 300000}}'
        self.cluster.cli("send", asker, "question", "--json-payload", question, "--node", "n1")
        report = lambda: self.cluster.ask(asker, "report", "--node", "n1")
        wait_until("the question", lambda: report()["asked"] == 1)
        self.cluster["n1"].kill()
        self.cluster["n1"].start()
        self.cluster.wait_ready()
        self.assertEqual(report()["answers"], 0)
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        wait_until("the answer", lambda: report()["answers"] > 0)
        self.cluster["n1"].kill()
        self.cluster["n1"].start()
        self.cluster.wait_ready()
        self.sum_is(did, 5)
        self.assertEqual(report(), {"asked": 1, "answers": 1, "status": "ok", "text": "5",
                                    "context": "kept with the ask"})
        self.cluster.stop()
        stored = self.cluster.audit(AUDIT)["n1"]["agents"]
        self.assertEqual([a["asks"] for a in stored if a["did"] == asker], [[]])

    def test_an_ask_of_somebody_who_is_down_times_out_once(self):
        did = self.spawn_remote()
        asker = self.cluster.spawn("asker", "a", "n1")
        self.assertEqual(self.cluster["n2"].stop(), 0)
        question = f'{{"whom": "{did}", "kind": "sum", "deadline_ms": 700}}'
        self.cluster.cli("send", asker, "question", "--json-payload", question, "--node", "n1")
        report = lambda: self.cluster.ask(asker, "report", "--node", "n1")
        wait_until("the time-out", lambda: report()["answers"] > 0)
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        self.send(did, "work", 1)
        self.sum_is(did, 1)
        self.assertEqual((report()["answers"], report()["status"]), (1, "timeout"))


class WhatFails(Scenario):
    def dead_letters(self, node="n2"):
        return self.cluster.cli("dlq", "ls", "--node", node)

    def test_a_message_whose_handler_always_throws_becomes_a_dead_letter(self):
        did = self.spawn_remote()
        thrown = self.send(did, "throw", 1000)
        after = self.send(did, "work", 1)
        self.becomes(thrown, "dead")
        self.becomes(after, "handled")
        self.sum_is(did, 1)
        letters = self.dead_letters()
        self.assertEqual([(x["id"], x["agent"], x["kind"], x["attempts"]) for x in letters],
                         [(thrown, did, "throw", 3)])
        self.assertIn("this handler always throws", letters[0]["reason"])
        shown = self.cluster.cli("dlq", "show", thrown)
        self.assertEqual((shown["json"], shown["kind"]), (1000, "throw"))
        text = self.cluster.run("dlq", "ls")
        self.assertEqual(text.returncode, 0)
        self.assertIn(thrown, text.stdout)
        self.assertEqual(self.cluster.run("dlq", "show", uuid7()).returncode, 4)

    def test_dead_letters_are_purged_and_the_dead_handlers_with_them(self):
        did = self.spawn_remote()
        plain, late = self.send(did, "throw", 1), self.send(did, "throw later", 1)
        kept = self.send(did, "throw later", 2)
        for uid in (plain, late, kept):
            self.becomes(uid, "dead")
        node, unknown = self.cluster["n2"], uuid7()
        done = node.call("dlq_purge", ids=[late, unknown, plain])
        self.assertEqual((done["purged"], done["missing"]), ([late, plain], [unknown]))
        self.assertEqual([x["id"] for x in self.dead_letters()], [kept])
        self.assertEqual(self.cluster.run("dlq", "purge", kept).returncode, 0)
        self.assertEqual(self.dead_letters(), [])
        self.becomes(late, "dead")  # the ledger knows it for good
        self.assertEqual(node.call("dlq_purge", ids=[late])["missing"], [late])

    def test_a_throwing_message_holds_back_only_its_own_stream(self):
        did = self.spawn_remote()
        self.cluster.settings += ("turn.retry_delay_ms=60000", "turn.retry_delay_ms_max=60000")
        self.assertEqual(self.cluster["n2"].stop(), 0)
        self.cluster["n2"].start()
        self.cluster.wait_ready()
        thrown, behind = self.send(did, "throw", 1000), self.send(did, "work", 10)
        other = self.send(did, "work", 1, node="n2")
        self.becomes(other, "handled")
        self.assertNotIn(self.state_of(thrown), ("dead", "handled"))
        self.assertNotIn(self.state_of(behind), ("dead", "handled"))

    def test_a_message_that_crashes_the_process_becomes_a_dead_letter_and_later_ones_are_handled(self):
        did = self.spawn_remote()
        node = self.cluster["n2"]
        before = [self.send(did, "work", 1) for _ in range(3)]
        crash = self.send(did, "crash", 1000)
        after = [self.send(did, "work", 1) for _ in range(3)]
        deaths = []

        def settled():
            if not node.running():
                deaths.append(node.process.returncode)
                self.assertLess(len(deaths), 20, "the message crashes the process for ever")
                node.disconnect()
                node.start()
            letters = node.try_call("dlq_ls")
            return letters and letters[0]["id"] == crash
        wait_until("the dead letter", settled, 120)
        self.cluster.wait_ready()
        self.assertEqual(set(deaths), {-signal.SIGABRT})
        for uid in before + after:
            self.becomes(uid, "handled")
        self.sum_is(did, 6)
        self.becomes(crash, "dead")
        # attempts_max marks of its own; before them up to three: not journaled yet, journaled but not marked yet, and
        # under a mark that it shared with others.
        self.assertIn(len(deaths), (3, 4, 5, 6))

    def test_an_unknown_agent_or_type_is_told_by_the_exit_code(self):
        self.cluster.start()
        self.assertEqual(self.cluster.run("send", "nobody", "work", "1").returncode, 4)
        done = self.cluster.run("spawn", "trubled", "--name", "t")
        self.assertEqual(done.returncode, 4)
        self.assertIn("troubled", done.stderr)


class StartsAndStops(Scenario):
    def start_directly(self, name, *settings):
        """A node that is expected to end by itself."""
        more = [x for one in settings for x in ("--set", one)]
        return self.cluster.run("run", "--node", name, *more, timeout_s=30)

    def is_one_sentence(self, text):
        lines = [x for x in text.splitlines() if x.startswith("kith: ")]
        self.assertEqual(len(lines), 1, text)
        self.assertRegex(lines[0], r"\.( |$)")
        return lines[0]

    def test_a_node_with_another_clusters_secret_ends_with_5(self):
        self.cluster["n1"].start()
        wait_until("n1", lambda: self.cluster["n1"].try_call("status"))
        path = os.path.join(self.cluster.dir, "other.secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write("ab" * 32)
        done = self.start_directly("n2", f"cluster.secret_file={path}")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("secret", self.is_one_sentence(done.stderr))
        self.assertTrue(self.cluster["n1"].running())
        self.assertEqual(self.cluster["n1"].try_call("status")["peers"], [])

    def test_a_port_in_use_is_told_in_one_sentence(self):
        with open(os.path.join(self.cluster["n1"].dir, "kith.toml"), encoding="utf-8") as file:
            address = re.search(r'listen *= *"127.0.0.1:(\d+)"', file.read())
        with socket.create_server(("127.0.0.1", int(address[1]))):
            done = self.start_directly("n1")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(address[1], self.is_one_sentence(done.stderr))

    def test_a_state_directory_in_use_is_told_in_one_sentence_and_its_node_goes_on(self):
        self.cluster.start()
        done = self.start_directly("n1", "link.listen=127.0.0.1:0")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("state_dir_locked", self.is_one_sentence(done.stderr))
        self.assertTrue(self.cluster["n1"].ready())

    def test_a_missing_state_directory_is_told_in_one_sentence(self):
        missing = os.path.join(self.cluster.dir, "nowhere")
        done = subprocess.run([PROGRAM, "run", "--dir", missing], capture_output=True, text=True, timeout=30,
                              check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("nowhere", self.is_one_sentence(done.stderr))

    def test_a_mistyped_setting_is_told_with_the_nearest_one(self):
        done = self.start_directly("n1", "mailbox.count_mx=5")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("mailbox.count_max", self.is_one_sentence(done.stderr))

    def test_an_orderly_stop_leaves_a_clean_store(self):
        did = self.spawn_remote()
        for _ in range(10):
            self.send(did, "work", 1)
        self.cluster.stop()
        self.assertEqual([s["clean"] for s in self.cluster.audit(AUDIT).values()], [True, True])
        self.cluster.start()
        self.sum_is(did, 10)

    def test_the_second_sigterm_stops_at_once(self):
        did = self.spawn_remote()
        node = self.cluster["n2"]
        node.stop()
        node.start("shutdown.deadline_ms=60000")
        self.cluster.wait_ready()
        hangs, behind = self.send(did, "hang", 20000), self.send(did, "work", 1)
        self.becomes(hangs, "sent")
        named = lambda: [one for one in node.log().splitlines() if "holds up a worker thread" in one]
        self.assertIn("hang", wait_until("the watchdog's word", named)[0])
        self.assertIn("troubled", named()[0])
        node.disconnect()
        node.process.terminate()
        time.sleep(1)
        self.assertTrue(node.running(), "the first signal drains")
        again = time.monotonic()
        node.process.terminate()
        self.assertEqual(node.process.wait(PATIENCE_S), 1)
        self.assertLess(time.monotonic() - again, 3)
        self.assertTrue(self.cluster["n1"].running())
        del behind

    def test_a_stop_that_cannot_drain_ends_at_its_deadline(self):
        did = self.spawn_remote()
        node = self.cluster["n2"]
        node.stop()
        node.start("shutdown.deadline_ms=1000")
        self.cluster.wait_ready()
        hangs = self.send(did, "hang", 60000)
        self.becomes(hangs, "sent")
        time.sleep(0.5)  # it is in the turn, or as good as
        began = time.monotonic()
        self.assertEqual(node.stop(), 6)
        self.assertLess(time.monotonic() - began, 15)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
