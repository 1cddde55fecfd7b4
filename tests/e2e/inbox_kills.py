#!/usr/bin/env python3
"""The stream of an inbox over kills: a client follows its mailbox while another sends into it, and the node that both
talk to is killed with SIGKILL at random moments. What came over the wire, over all connections together, must be every
message once and in order; every send that was answered with 202 is among them.

    inbox_kills.py PROGRAM CLIENT_DIRECTORY [--kills N] [--seed S]"""
import argparse
import json
import os
import random
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, wait_until

BATCH = 40  # messages between two kills, at least
ACK_EVERY = 97


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Follower(threading.Thread):
    """Reads the stream as it comes, and begins anew behind the last event that it saw: nothing is sorted out here."""

    def __init__(self, kith_client, client):
        super().__init__(daemon=True)
        self.kith, self.client = kith_client, client
        self.seen, self.connections, self.done = [], 0, threading.Event()

    def run(self):
        while not self.done.is_set():
            cursor = self.seen[-1][0] if self.seen else 0
            try:
                with self.client._stream(cursor, None) as (response, _):
                    self.connections += 1
                    for position, data in self.kith.events(response):
                        if position is not None:
                            self.seen.append((position, json.loads(data)["text"]))
                        if position is not None and position % ACK_EVERY == 0:
                            self.client._once("POST", self.client._mailbox + "/ack",
                                              json.dumps({"upto": position}).encode())
            except (self.kith.Busy, *self.kith.TROUBLE, ValueError):
                time.sleep(0.02)


class Sender(threading.Thread):
    """One message after another, each until it is accepted."""

    def __init__(self, client, to):
        super().__init__(daemon=True)
        self.client, self.to, self.accepted, self.wanted = client, to, 0, 0
        self.trouble = None

    def run(self):
        try:
            while True:
                if self.accepted >= self.wanted:
                    time.sleep(0.005)
                    continue
                self.client.send(self.to, "count", str(self.accepted))
                self.accepted += 1
        except Exception as trouble:  # told by the main thread
            self.trouble = trouble


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("clients")
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    a = p.parse_args()
    print(f"seed {a.seed}", flush=True)
    chance = random.Random(a.seed)
    sys.path.insert(0, a.clients)
    import kith_client
    import kith_identity

    port = free_port()
    settings = (f"edge.listen=127.0.0.1:{port}", "edge.mailboxes=open", "edge.writes_per_s=100000",
                "edge.reads_per_s=100000")
    with Cluster(a.program, 1, settings, "kith-e2e-inbox") as c:
        node = c["n1"].start()
        wait_until("the node", node.ready)
        pem = os.path.join(node.dir, "edge.pem")
        make = lambda name: kith_client.Client(f"https://127.0.0.1:{port}", kith_identity.Key.load_or_make(
            os.path.join(c.dir, name)), pem, patience_s=60)
        alice, bob, bob_reads = make("alice.pem"), make("bob.pem"), make("bob.pem")
        alice.register()
        bob.register()
        follower, sender = Follower(kith_client, bob_reads), Sender(alice, bob.key.did)
        follower.start()
        sender.start()
        for kill in range(a.kills):
            before = len(follower.seen)
            sender.wanted = sender.accepted + 10 ** 9
            wait_until("messages", lambda: sender.trouble or len(follower.seen) >= before + BATCH)
            time.sleep(chance.uniform(0, 0.3))
            node.kill()
            print(f"kill {kill + 1}: {len(follower.seen)} seen, {sender.accepted} accepted", flush=True)
            if sender.trouble:
                raise sender.trouble
            node.start()
            wait_until("the node", node.ready)
        sender.wanted = sender.accepted + 20
        total = sender.wanted
        wait_until("all messages", lambda: sender.trouble or
                   (sender.accepted >= total and len(follower.seen) >= sender.accepted))
        time.sleep(1)  # for what might come twice
        follower.done.set()
        if sender.trouble:
            raise sender.trouble
        expected = [(i + 1, str(i)) for i in range(sender.accepted)]
        if follower.seen != expected:
            wrong = next((i for i, (got, want) in enumerate(zip(follower.seen, expected)) if got != want),
                         min(len(follower.seen), len(expected)))
            got, want = follower.seen[wrong:wrong + 3], expected[wrong:wrong + 3]
            raise Failure(f"at event {wrong}: {got} in place of {want}; "
                          f"{len(follower.seen)} seen, {len(expected)} expected")
        if follower.connections <= a.kills:
            raise Failure(f"only {follower.connections} connections for {a.kills} kills")
        print(f"{len(expected)} messages, each once and in order, over {a.kills} kills and "
              f"{follower.connections} connections")


if __name__ == "__main__":
    main()
