#!/usr/bin/python3
"""Who owns an agent acts as it through the edge of its node, and nobody else does: with real nodes, and the Python
client of examples/clients. The same nodes serve key histories.

    owners.py KITH CLIENT_DIRECTORY [unittest's arguments]"""
import contextlib
import json
import os
import socket
import ssl
import sys
import unittest
import urllib.request

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, wait_until

KITH = os.path.abspath(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from kith_client import Client, KithError  # noqa: E402
from kith_identity import Key  # noqa: E402

WEB = "did:web:kith.example"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Owners(unittest.TestCase):
    """Two nodes; the agent and the edge are at n2, and the operator talks to n1."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.cluster = self.stack.enter_context(Cluster(KITH, 2, label="kith-e2e-owners"))
        self.port = free_port()
        self.edge = (f"edge.listen=127.0.0.1:{self.port}", "edge.mailboxes=open",
                     "edge.public_url=https://kith.example")
        self.cluster["n1"].start()
        self.start_n2()
        self.pem = os.path.join(self.cluster["n2"].dir, "edge.pem")

    def start_n2(self):
        self.cluster["n2"].start(*self.edge)
        self.cluster.wait_ready()

    def client(self, name):
        key = Key.load_or_make(os.path.join(self.cluster.dir, name + ".pem"))
        client = Client(f"https://127.0.0.1:{self.port}", key, self.pem)
        self.addCleanup(client.close)
        return client

    def acts(self, client, agent, text):
        """Sends to the agent as the agent; the code with which it is refused, or None."""
        try:
            client._call("POST", "/api/messages", {"from": agent, "to": agent, "kind": "add", "content_type":
                                                   "application/json", "text": text})
            return None
        except KithError as refused:
            self.assertEqual(refused.status, 403)
            return refused.code

    def count(self, agent):
        return self.cluster.ask(agent, "get", "--node", "n1")

    def own(self, *arguments, code=0):
        return self.cluster.cli("own", *arguments, "--node", "n1", code=code)

    def owners(self):
        """As a person sees them, by agent."""
        return {a["name"]: a.get("owner") for a in self.cluster.cli("agents", "--wide") if "name" in a}

    def test_an_owner_acts_as_its_agent_until_it_is_another_one(self):
        alice, bob = self.client("alice"), self.client("bob")
        agent = self.cluster.cli("spawn", "counter", "--name", "c", "--node", "n2", "--owner", alice.key.did)["did"]
        self.assertEqual(self.owners(), {"c": alice.key.did})
        self.assertIsNone(self.acts(alice, agent, "1"))
        self.assertEqual(self.acts(bob, agent, "100"), "not_yours")
        wait_until("the first", lambda: self.count(agent) == 1)

        said = self.own("c", bob.key.did)
        self.assertEqual((said["did"], said["owner"]), (agent, bob.key.did))
        self.assertEqual(self.acts(alice, agent, "100"), "not_yours")
        self.assertIsNone(self.acts(bob, agent, "10"))
        wait_until("the second", lambda: self.count(agent) == 11)

        self.cluster["n2"].kill()  # what was said is on the disk
        self.start_n2()
        self.assertEqual(self.owners(), {"c": bob.key.did})
        self.assertEqual(self.acts(alice, agent, "100"), "not_yours")
        self.assertIsNone(self.acts(bob, agent, "10"))

        self.assertIsNone(self.own(agent, "--nobody")["owner"])
        self.assertEqual(self.owners(), {"c": None})
        self.assertEqual(self.acts(bob, agent, "100"), "not_yours")
        self.cluster["n2"].kill()
        self.start_n2()
        self.assertEqual(self.acts(bob, agent, "100"), "not_yours")
        wait_until("all", lambda: self.count(agent) == 21)

    def test_only_the_operator_says_whose_an_agent_is(self):
        alice, bob = self.client("alice"), self.client("bob")
        agent = self.cluster.cli("spawn", "counter", "--name", "c", "--node", "n2", "--owner", alice.key.did)["did"]
        alice.register()
        node = alice.node()["node"]
        for sender, to, kind, order in (
                (agent, agent, "kith.own", {"owner": bob.key.did}),  # as the agent
                (None, agent, "kith.own", {"owner": bob.key.did}),  # as itself
                (agent, node, "kith.spawn", {"type": "counter", "name": "d", "owner": alice.key.did})):
            for qos in (0, 2):
                if sender:
                    alice._call("POST", "/api/messages", {"from": sender, "to": to, "kind": kind, "qos": qos, "text":
                                                          json.dumps(order), "content_type": "application/json"})
                else:
                    with self.assertRaises(KithError) as refused:
                        alice.ask(to, kind, order)
                    self.assertEqual(refused.exception.code, "reserved_kind")
        self.assertIsNone(self.acts(alice, agent, "1"))
        wait_until("the count", lambda: self.count(agent) == 1)
        self.assertEqual({n: o for n, o in self.owners().items() if n}, {"c": alice.key.did})

    def test_what_cannot_be_owned(self):
        alice = self.client("alice")
        alice.register()
        self.cluster.spawn("counter", "c", "n2")
        node = self.cluster["n2"].call("status")["node"]
        stranger = Key.load_or_make(os.path.join(self.cluster.dir, "x.pem")).did
        wait_until("the mailbox at n1", lambda: any(
            a["did"] == alice.key.did for a in self.cluster["n1"].call("agents", all=True)))
        for agent, owner, code, exit_code in (
                ("c", "alice", "bad_owner", 2), ("c", "did:web:x.example", "bad_owner", 2),
                ("nobody", stranger, "unknown_agent", 4), (stranger, stranger, "unknown_agent", 4),
                (alice.key.did, stranger, "outside", 1), (node, stranger, "is_node", 1)):
            refused = self.own(agent, owner, code=exit_code)
            self.assertEqual(refused["error"]["code"], code, (agent, owner))
        done = self.cluster.run("spawn", "counter", "--name", "d", "--owner", "did:nonsense", "--node", "n1")
        self.assertEqual(done.returncode, 2)
        self.cluster["n2"].kill()
        wait_until("n2 being away", lambda: all(p["state"] != "up" for p in self.cluster["n1"].call("status")["peers"]))
        self.assertEqual(self.own("c", stranger, code=3)["error"]["code"], "node_away")

    def test_key_histories_are_served_and_stay(self):
        history, key = (os.path.join(self.cluster.dir, name) for name in ("ada.history", "ada.key"))
        web = WEB + ":agents:ada"
        did = lambda *arguments, **more: self.cluster.cli("did", *arguments, **more)
        publish = lambda code=0, file=history: did("publish", "--history", file, "--node", "n2", code=code)
        first = did("new", "--out", key, "--web", web, "--history", history)["key_did"]
        self.assertTrue(publish()["changed"])
        second = did("rotate", "--did", web, "--history", history, "--key", key)["key_did"]
        self.assertEqual((publish()["keys"], publish()["changed"]), (2, False))
        for _ in range(2):
            document = self.document("/agents/ada/did.json")
            self.assertEqual(document["id"], web)
            self.assertEqual(document["alsoKnownAs"], [second])
            old, new = document["verificationMethod"]
            self.assertEqual(old["publicKeyMultibase"], first.removeprefix("did:key:"))
            self.assertIn("expires", old)
            self.assertNotIn("expires", new)
            self.assertEqual(document["authentication"], [new["id"]])
            self.cluster["n2"].kill()
            self.start_n2()

        # The node's own, which has to lead to its key.
        node_history, n2 = os.path.join(self.cluster.dir, "node.history"), self.cluster["n2"]
        strange = os.path.join(self.cluster.dir, "strange.history")
        did("new", "--out", key + ".other", "--web", WEB, "--history", strange)
        self.assertEqual(publish(1, strange)["error"]["code"], "node_key")
        did("new", "--key", os.path.join(self.cluster["n1"].dir, "keys", "node.key"), "--web", WEB, "--history",
            node_history)
        did("rotate", "--did", WEB, "--history", node_history, "--key",
            os.path.join(self.cluster["n1"].dir, "keys", "node.key"), "--new", os.path.join(n2.dir, "keys", "node.key"))
        self.assertEqual(publish(0, node_history)["keys"], 2)
        document = self.document("/.well-known/did.json")
        self.assertEqual(document["alsoKnownAs"], [n2.call("status")["node"]])
        self.assertEqual(len(document["verificationMethod"]), 2)
        did("withdraw", WEB, "--node", "n2")
        self.assertEqual(len(self.document("/.well-known/did.json")["verificationMethod"]), 1)
        self.assertEqual(did("withdraw", WEB, "--node", "n2", code=4)["error"]["code"], "not_published")

    def document(self, path):
        trust = ssl.create_default_context(cafile=self.pem)
        with urllib.request.urlopen(f"https://127.0.0.1:{self.port}{path}", context=trust) as answer:
            return json.load(answer)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
