#!/usr/bin/env python3
"""A node of a working cluster is backed up, twice; killed; and restored from its latest backup on another machine.

Three node processes, a source and a sink on each, as in campaign.py, all by QoS 2. While they work, one node is backed
up, and once more; what it takes after that it is to forget. It is killed, its latest backup is restored into a fresh
state directory, and it goes on from there under load. The audit compares the stopped stores with what was ordered:
between the other two nodes all is as if nothing had happened; what the restored node lacks is exactly what its store
lists as lost, by number; what it sent twice it sent in a new incarnation."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from campaign import MASK, mix
from cluster import PATIENCE_S, Cluster, Failure, Refused, uuid7, wait_until

VICTIM = "n2"
FORGOTTEN_MIN = 200  # messages that the victim acknowledges after its last backup


def tally_of(source, numbers):
    """What a sink's tally is after these, in this order; as in load_agents.cpp."""
    count, next_, faults, value = 0, 1, 0, 0
    for number in numbers:
        faults += number != next_
        count, next_, value = count + 1, number + 1, mix(value, source, number) & MASK
    return {"count": count, "next": next_, "faults": faults, "hash": value}


class Backups:
    def __init__(self, options):
        self.options = options
        self.began = time.monotonic()
        self.cluster = None
        self.sources, self.sinks = {}, {}  # node name -> DID
        self.orders = {}  # node name -> [(id, count)]
        self.backed_up = 0  # messages of the victim's source that its last backup may know of
        self.lists = os.path.join(tempfile.mkdtemp(prefix="kith-e2e-backups-"), VICTIM)
        self.fresh = tempfile.mkdtemp(prefix="kith-e2e-fresh-")

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.2f} s  {text}", flush=True)

    def check(self, holds, what):
        if not holds:
            raise Failure(what)

    # ---- the load

    def number_of(self, name):
        return list(self.cluster.nodes).index(name) + 1

    def others(self, name):
        return [other for other in self.cluster.nodes if other != name]

    def order(self, name, count):
        self.orders.setdefault(name, []).append((uuid7(), count))
        self.hand_out(name, self.orders[name][-1:])

    def hand_out(self, name, orders):
        for uid, count in orders:
            what = {"source": self.number_of(name), "count": count, "mixed": False,
                    "sinks": [self.sinks[other] for other in self.others(name)]}
            self.cluster[name].call("send", to=self.sources[name], kind="go", json=what, id=uid)

    def order_all(self, count):
        for name in self.cluster.nodes:
            self.order(name, count)

    def ordered(self, name):
        return sum(count for _, count in self.orders[name])

    def share(self, name, sink, sent):
        """How many of `sent` messages of a source go to that sink: they take turns."""
        others = self.others(name)
        return (sent + len(others) - 1 - others.index(sink)) // len(others)

    def report(self, node, agent):
        answer = node.call("ask", to=agent, kind="report", timeout_ms=20000)
        self.check(answer["status"] == "ok", f"{node.name} does not report: {answer}")
        return answer["json"]

    def applied_at(self, name):
        """By the number of the source."""
        return {int(source): t["count"] for source, t in self.report(self.cluster[name], self.sinks[name]).items()}

    def at_rest(self):
        for node in self.cluster.nodes.values():
            self.check(node.running(), f"{node.name} ended by itself: {node.log()[-3000:]}")
        if any(node.unacknowledged() for node in self.cluster.nodes.values()):
            return False
        return all(self.report(node, self.sources[name])["left"] == 0 for name, node in self.cluster.nodes.items())

    # ---- what is done to it

    def back_up(self):
        done = self.cluster.cli("backup", "--node", VICTIM, "--to", self.lists)
        self.say(f"backup {done['id']}: position {done['position']}, {done['bytes']} bytes, {done['bytes_new']} new")
        return done

    def back_up_twice(self):
        self.order_all(self.options.messages)
        wait_until("some load", lambda: sum(self.applied_at(VICTIM).values()) > self.options.messages // 2)
        first = self.back_up()
        self.order_all(self.options.messages // 10)
        self.backed_up = self.ordered(VICTIM)  # at most
        second = self.back_up()
        self.check(second["position"] > first["position"], f"no load between {first} and {second}")
        self.check(second["bytes_new"] < first["bytes_new"], f"the second copied no less: {first}, {second}")
        listed = self.cluster.cli("backup", "ls", self.lists)
        self.check([b["id"] for b in listed] == [1, 2], f"listed: {listed}")
        for which in ("1", "2"):
            self.cluster.cli("backup", "verify", self.lists, "--id", which)
        self.check(os.stat(self.lists).st_mode & 0o777 == 0o700, "others may read the backups")
        checked = self.cluster.cli("verify", "--node", VICTIM)
        self.check(not checked["damage"], f"a running store is called damaged: {checked}")

    def forget_something(self):
        """Work that the victim acknowledges and its backups do not have; then its end."""
        before = sum(self.applied_at(VICTIM).values())
        self.order_all(self.options.messages // 2)
        wait_until("work after the backup",
                   lambda: sum(self.applied_at(VICTIM).values()) >= before + FORGOTTEN_MIN)
        # All that its backup may have had to send: else it could send some of it for the first time when it is back,
        # in the old incarnation, and there is no order between two of them.
        wait_until("the others having more than the backup",
                   lambda: all(self.applied_at(other).get(self.number_of(VICTIM), 0) >=
                               self.share(VICTIM, other, self.backed_up) for other in self.others(VICTIM)))
        self.order_all(self.options.messages)
        self.cluster[VICTIM].kill()
        self.say(f"{VICTIM} is killed")

    def restore(self):
        node = self.cluster[VICTIM]
        shutil.rmtree(node.dir)  # the machine is gone
        done = self.in_state_dir(self.fresh, "restore", "--from", self.lists)
        self.check(done.returncode == 0, f"restore: {done.stdout}{done.stderr}")
        again = self.in_state_dir(self.fresh, "restore", "--from", self.lists)
        self.check(again.returncode != 0 and "store_exists" in again.stderr, f"restored twice: {again}")
        node.live_in(self.fresh)
        secret = os.path.join(self.fresh, "cluster.secret")
        with open(secret, "rb") as here, open(os.path.join(self.cluster.dir, "cluster.secret"), "rb") as there:
            self.check(here.read() == there.read(), "another secret was restored")
        self.check(os.stat(secret).st_mode & 0o777 == 0o600, "others may read the secret")
        done = subprocess.run([self.options.audit, os.path.join(node.dir, "store")], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        self.check(done.returncode == 0, f"what was restored cannot be read: {done.stderr}")
        agents = json.loads(done.stdout)["agents"]
        return next(a for a in agents if a["did"] == self.sources[VICTIM])["cells"]["work"]["sent"]

    def go_on(self):
        node = self.cluster[VICTIM].start()
        self.cluster.wait_ready()
        self.check(node.call("status")["boot_epoch"] == 2, "the boot epoch was not raised")
        self.check(not os.path.exists(os.path.join(node.dir, "restored")), "the mark of the restore stayed")
        self.say(f"{VICTIM} is back, from another directory")
        self.hand_out(VICTIM, self.orders[VICTIM])  # what it forgot is done anew, by its ids
        self.order_all(self.options.messages // 2)
        wait_until("all being at rest", self.at_rest)

    # ---- the audit

    def audit(self, sent_at_backup):
        found = self.cluster.audit(self.options.audit)
        agents = {agent["did"]: agent for store in found.values() for agent in store["agents"]}
        for name, store in found.items():
            self.check(store["clean"], f"the store of {name} was not closed in order")
            self.check(not store["dead"], f"dead letters at {name}: {store['dead'][:3]}")
            self.check(name == VICTIM or not store["lost"], f"{name} was not restored and lost {store['lost']}")
        lost = [r for r in found[VICTIM]["lost"] if r["lane"] == "request"]
        self.audit_states(agents, lost, sent_at_backup)
        for agent in agents.values():
            for s in agent["in"]:
                self.check(not s["quarantined"] and not s["queued"], f"{agent['name']}: stream in {s}")
        return lost

    def audit_states(self, agents, lost, sent_at_backup):
        for name, did in self.sources.items():
            work = agents[did]["cells"]["work"]
            self.check((work["left"], work["sent"]) == (0, self.ordered(name)), f"source of {name}: {work}")
        for name, did in self.sinks.items():
            tallies = agents[did]["cells"]["tallies"]
            for source in self.others(name):
                state = tallies[str(self.number_of(source))]
                expected = self.expected(source, name, lost, sent_at_backup, state["count"])
                self.check(state == tally_of(self.number_of(source), expected),
                           f"sink of {name}, from {source}: stored {state}, expected "
                           f"{tally_of(self.number_of(source), expected)}")

    def expected(self, source, sink, lost, sent_at_backup, count):
        """The numbers that a sink must have applied, in their order."""
        total = self.share(source, sink, self.ordered(source))
        if sink == VICTIM:  # positions are numbers: one stream, in which nothing else is sent
            ranges = [(r["first"], r["last"]) for r in lost
                      if r["from"] == self.sources[source] and r["to"] == self.sinks[sink]]
            return [n for n in range(1, total + 1) if not any(a <= n <= b for a, b in ranges)]
        if source == VICTIM:  # its first life, and then from its backup on
            behind = self.share(source, sink, sent_at_backup)
            first_life = count - (total - behind)
            self.check(behind <= first_life <= total, f"{sink} has {count} of {source}, of {total}, backup {behind}")
            return [*range(1, first_life + 1), *range(behind + 1, total + 1)]
        return list(range(1, total + 1))

    def look_at_stores(self):
        """By the commands for that, of every node."""
        for name, node in self.cluster.nodes.items():
            for command in ("fsck", "verify"):
                done = self.in_state_dir(node.state_dir, command, "--node", name)
                self.check(done.returncode == 0, f"{command} of {name}: {done.stdout[-2000:]}{done.stderr}")

    def in_state_dir(self, state_dir, *arguments):
        here, self.cluster.dir = self.cluster.dir, state_dir
        try:
            return self.cluster.run(*arguments)
        finally:
            self.cluster.dir = here

    def run(self):
        try:
            with Cluster(self.options.program, 3, [], "kith-e2e-backup") as self.cluster:
                self.cluster.start()
                for name in self.cluster.nodes:
                    self.sources[name] = self.cluster.spawn("source", f"source-{name}", name)
                    self.sinks[name] = self.cluster.spawn("sink", f"sink-{name}", name)
                self.back_up_twice()
                self.forget_something()
                sent_at_backup = self.restore()
                self.go_on()
                self.cluster.stop()
                lost = self.audit(sent_at_backup)
                self.check(sum(r["last"] - r["first"] + 1 for r in lost) > 0,
                           "nothing was lost: the test shows nothing")
                self.look_at_stores()
                log = self.cluster[VICTIM].log()
                for r in lost:
                    self.check(f"{r['first']}" in log and f"{r['last']}" in log, f"the log does not name {r}")
                self.say("passed: lost, as the store lists them: " +
                         "; ".join(f"{r['first']} to {r['last']}" for r in lost))
        except BaseException:
            print(f"kept for a look: {self.lists}, {self.fresh}", flush=True)
            raise
        shutil.rmtree(os.path.dirname(self.lists), ignore_errors=True)
        shutil.rmtree(self.fresh, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", required=True, help="e2e_node")
    parser.add_argument("--audit", required=True, help="e2e_audit")
    parser.add_argument("--messages", type=int, default=2000, help="of each source before the first backup")
    options = parser.parse_args()
    try:
        Backups(options).run()
    except (Failure, Refused) as e:
        print(f"failed: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
