#!/usr/bin/env python3
"""Kills nodes of a working cluster, and audits what is left.

Three node processes; a source and a sink on each; every source sends to the sinks of the other two nodes. While they
do, nodes are killed with SIGKILL at random instants and started again at once; a kill happens only while at least 100
messages are unacknowledged. What was ordered is written down here, outside. When everything has come to rest the nodes
are stopped, their stores are opened, and compared with what was ordered: every message applied exactly once, in order,
whether it went by QoS 2 or, as a third of them, by QoS 1.

With --lose-unsynced the nodes keep what they have not synced in their own memory, so that a kill is a cut of power."""
import argparse
import collections
import json
import os
import random
import signal
import sys
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, Refused, uuid7, wait_until

UNACKNOWLEDGED_MIN = 100
PORTION_MIN = 240  # messages ordered at a time; half of them wait for a node that is held
STALL_S = 90  # without progress for so long it has failed
MASK = (1 << 64) - 1


def mix(value, source, number):
    """As in load_agents.cpp."""
    value = ((value ^ (number * 0x9e3779b97f4a7c15 + source)) * 0xbf58476d1ce4e5b9) & MASK
    return value ^ (value >> 31)


def leaves_entry(number):
    """As quality_of in load_agents.cpp: a third goes by QoS 1, of which no ledger keeps what went well."""
    return number % 3 != 1


def expected_tally(source, count):
    value = 0
    for number in range(1, count + 1):
        value = mix(value, source, number)
    return {"count": count, "next": count + 1, "faults": 0, "hash": value}


class Campaign:
    sink_type, mixed = "sink", True

    def __init__(self, options):
        self.options = options
        self.chance = random.Random(options.seed)
        self.began = time.monotonic()
        self.cluster = None
        self.sources, self.sinks = {}, {}  # node name -> DID
        self.total = options.messages
        self.left = options.messages  # to be ordered still
        self.ordered = collections.Counter()  # by node name
        self.open_orders = collections.deque()  # not confirmed: (node, id, count)
        self.kills = []
        self.frozen = None  # the name of a node that is stopped by SIGSTOP for a moment

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.2f} s  {text}", flush=True)

    # ---- the load

    def spawn(self):
        for name in self.cluster.nodes:
            self.sources[name] = self.cluster.spawn("source", f"source-{name}", name)
            self.sinks[name] = self.cluster.spawn(self.sink_type, f"sink-{name}", name)

    def targets(self, name):
        return [did for other, did in self.sinks.items() if other != name]

    def order(self, count):
        """Writes down orders for `count` messages, for all nodes together, and hands out what can be."""
        names = [name for name in self.cluster.nodes if name != self.frozen]
        self.chance.shuffle(names)
        for i, name in enumerate(names):
            part = count // len(names) if i else count - (len(names) - 1) * (count // len(names))
            if part:
                self.ordered[name] += part
                self.open_orders.append((name, uuid7(), part))
        self.left -= count
        self.hand_out()

    def hand_out(self):
        """Sends orders until each is confirmed; under the same id, so that one that did arrive is not done twice."""
        for _ in range(len(self.open_orders)):
            name, uid, count = order = self.open_orders.popleft()
            what = {"source": self.number_of(name), "count": count, "mixed": self.mixed, "sinks": self.targets(name)}
            if name == self.frozen:
                self.open_orders.append(order)
                continue
            try:
                self.cluster[name].call("send", to=self.sources[name], kind="go", json=what, id=uid)
            except OSError:
                self.open_orders.append(order)
            except Refused as e:
                raise Failure(f"an order was refused: {e}") from e

    def number_of(self, name):
        return list(self.cluster.nodes).index(name) + 1

    # ---- the kills

    def check_alive(self):
        for node in self.cluster.nodes.values():
            if not node.running():
                raise Failure(f"{node.name} ended by itself with {node.process.returncode}: {node.log()[-3000:]}")

    def counts(self):
        return {name: 0 if name == self.frozen else node.unacknowledged() for name, node in self.cluster.nodes.items()}

    def portion(self):
        """Spread over the kills that are left, so that the load lasts as long as they do."""
        if self.left < PORTION_MIN:  # too quickly acknowledged, too often: there are more messages then
            self.total += PORTION_MIN
            self.left += PORTION_MIN
        rounds = self.options.kills - len(self.kills)
        return min(self.left, max(PORTION_MIN, self.left * 2 // (3 * rounds)))

    def pile_up(self):
        """Orders until enough is unacknowledged at a random instant; the counts."""
        if self.chance.random() < 0.5:
            self.freeze(self.chance.choice(list(self.cluster.nodes)))
        self.order(self.portion())
        ordered_at = time.monotonic()
        while True:
            self.check_alive()
            self.hand_out()
            if sum(self.counts().values()) >= UNACKNOWLEDGED_MIN:
                time.sleep(self.chance.choice((0, 0.01, 0.1)) * self.chance.random())
                before = self.counts()
                if sum(before.values()) >= UNACKNOWLEDGED_MIN:
                    return before
            if time.monotonic() - ordered_at > 0.2:
                # They are too quick: one of them is held, so that what is for it piles up.
                if not self.frozen:
                    self.freeze(self.chance.choice(list(self.cluster.nodes)))
                self.order(self.portion())
                ordered_at = time.monotonic()

    def freeze(self, name):
        self.frozen = name
        self.cluster[name].process.send_signal(signal.SIGSTOP)

    def kill_one(self):
        """Lets work pile up and kills a node amid of it."""
        before = self.pile_up()
        victim = self.cluster[self.chance.choice(list(self.cluster.nodes))]
        victim.kill()
        held = f", {self.frozen} held" if self.frozen else ""
        self.kills.append({"at_s": round(time.monotonic() - self.began, 3), "node": victim.name,
                           "held": self.frozen, "unacknowledged": before})
        self.say(f"kill {len(self.kills)}: {victim.name}, process {victim.process.pid}, unacknowledged "
                 f"{sum(before.values())} {before}{held}")
        self.look_at(victim)
        victim.start()
        if self.frozen and self.frozen != victim.name:
            self.cluster[self.frozen].process.send_signal(signal.SIGCONT)
        self.frozen = None

    def prepare(self):
        """Before the nodes start."""

    def look_at(self, victim):
        """At what a kill left."""

    def kill_all(self):
        for _ in range(self.options.kills):
            self.kill_one()
            # Most kills hit a cluster that is whole again; some hit one that is still recovering.
            if self.chance.random() < 0.75:
                self.cluster.wait_ready()
                time.sleep(self.chance.random() * 0.4)
            else:
                time.sleep(self.chance.random())

    # ---- the end

    def progress(self):
        """How many messages sinks have applied, or None where one does not answer."""
        applied = 0
        for name, node in self.cluster.nodes.items():
            answer = node.try_call("ask", to=self.sinks[name], kind="report", timeout_ms=5000)
            if not answer or answer["status"] != "ok":
                return None
            applied += self.applied(answer["json"])
        return applied

    def applied(self, report):
        return sum(t["count"] for t in report.values())

    def settle(self):
        """Until everything that was ordered has arrived and is acknowledged."""
        last, changed = -1, time.monotonic()
        while True:
            self.check_alive()
            self.hand_out()
            applied = self.progress()
            if applied is not None and applied != last:
                last, changed = applied, time.monotonic()
            if not self.open_orders and applied is not None and applied >= self.total:
                break
            if time.monotonic() - changed > STALL_S:
                raise Failure(f"no progress for {STALL_S} s: {last} of {self.total} applied, "
                              f"unacknowledged {self.counts()}, orders not confirmed {len(self.open_orders)}")
            time.sleep(0.2)
        wait_until("the last acknowledgement", lambda: sum(self.counts().values()) == 0)
        self.say(f"at rest: {last} messages applied")

    def check(self, holds, what):
        if not holds:
            raise Failure(what)

    def audit(self):
        found = self.cluster.audit(self.options.audit)
        agents = {agent["did"]: agent for store in found.values() for agent in store["agents"]}
        for name, store in found.items():
            self.check(store["clean"], f"the store of {name} was not closed in order")
            self.check(not store["dead"], f"dead letters at {name}: {store['dead'][:3]}")
        self.audit_states(agents)
        self.audit_streams(agents)
        self.audit_ledgers(found, agents)

    def shares(self):
        """(source's node, sink's node) -> how many messages."""
        shares = {}
        for name, count in self.ordered.items():
            others = [other for other in self.sinks if other != name]
            for i, other in enumerate(others):
                shares[name, other] = (count + len(others) - 1 - i) // len(others)
        return shares

    def audit_states(self, agents):
        """The agents' own state is what the outside log says it must be."""
        shares = self.shares()
        for name, did in self.sinks.items():
            expected = {str(self.number_of(source)): expected_tally(self.number_of(source), count)
                        for (source, sink), count in shares.items() if sink == name}
            state = agents[did]["cells"].get("tallies")
            self.check(state == expected, f"sink of {name}: stored {state}, expected {expected}")
        for name, did in self.sources.items():
            work = agents[did]["cells"]["work"]
            self.check((work["left"], work["sent"]) == (0, self.ordered[name]), f"source of {name}: {work}")
        total = sum(t["count"] for did in self.sinks.values() for t in agents[did]["cells"]["tallies"].values())
        self.check(total == self.total, f"{total} messages were applied, not {self.total}")

    def audit_streams(self, agents):
        """Both ends of every stream agree, and nothing is on its way."""
        inbound = {s["key"]: s for agent in agents.values() for s in agent["in"]}
        for agent in agents.values():
            for s in agent["in"]:
                self.check(not s["quarantined"] and not s["queued"], f"{agent['name']}: stream in {s}")
                self.check(s["local"] or s["consumed"] == s["next"] - 1 or s["next"] == 1,
                           f"{agent['name']}: not all was consumed: {s}")
            for s in agent["out"]:
                other = inbound.get(s["key"])
                self.check(other is not None, f"{agent['name']}: nobody has the stream {s}")
                self.check(other["consumed"] == s["next"] - 1, f"{agent['name']}: {s}, but consumed is {other}")
        for (source, sink), count in self.shares().items():
            sent = [s for s in agents[self.sources[source]]["out"] if s["to"] == self.sinks[sink]]
            self.check(len(sent) == 1, f"source of {source}: streams to {sink}: {sent}")
            other = inbound[sent[0]["key"]]
            self.check(sent[0]["next"] == count + 1 and sent[0]["acked"] == count,
                       f"source of {source}: {sent[0]}, expected {count} acknowledged")
            self.check((other["next"], other["last"]) == (sent[0]["next"], sent[0]["last"]),
                       f"two histories: {sent[0]} and {other}")

    def audit_ledgers(self, found, agents):
        """Every position of every stream was handled, once; those of QoS 1 left nothing at either end."""
        lines, sent = collections.defaultdict(list), collections.defaultdict(list)
        for store in found.values():
            for line in store["received"]:
                lines[line["stream"]].append((line["seq"], line["disposition"]))
            for line in store["sent"]:
                sent[line["stream"]].append(line["seq"])
        for (source, sink), count in self.shares().items():
            key = next(s["key"] for s in agents[self.sources[source]]["out"] if s["to"] == self.sinks[sink])
            kept = [seq for seq in range(1, count + 1) if leaves_entry(seq)]
            self.check(sorted(lines[key]) == [(seq, "handled") for seq in kept],
                       f"the ledger of {sink} does not say that each of {count} messages of {source} was handled once")
            self.check(sorted(sent[key]) == kept, f"the ledger of {source} is not what it sent to {sink} by QoS 2")

    def spoil(self):
        """One message that is not in the log; the audit must see it."""
        name = next(iter(self.sources))
        what = {"source": self.number_of(name), "count": 1, "mixed": True, "sinks": self.targets(name)}
        self.cluster[name].call("send", to=self.sources[name], kind="go", json=what)
        wait_until("the message that spoils it", lambda: self.progress() == self.total + 1)
        self.cluster.stop()
        try:
            self.audit()
        except Failure as e:
            self.say(f"passed: the audit sees one message too many: {str(e)[:200]}")
            return
        raise Failure("the audit did not see one message too many")

    def run(self):
        settings = ["test.lose_unsynced=true"] if self.options.lose_unsynced else []
        with Cluster(self.options.program, 3, settings, "kith-e2e-campaign") as self.cluster:
            self.prepare()
            self.cluster.start()
            self.spawn()
            self.say(f"{self.options.messages} messages, {self.options.kills} kills, seed {self.options.seed}")
            self.kill_all()
            if self.left:
                self.order(self.left)
            self.settle()
            if self.options.spoil:
                self.spoil()
                return
            self.cluster.stop()
            with open(os.path.join(self.cluster.dir, "outside.json"), "w", encoding="utf-8") as file:
                json.dump({"ordered": self.ordered, "kills": self.kills}, file)
            self.audit()
        least = min((sum(k["unacknowledged"].values()) for k in self.kills), default=0)
        self.check(len(self.kills) == self.options.kills, "not all kills were done")
        self.say(f"passed: {self.total} turns applied exactly once and in order after {len(self.kills)} "
                 f"kills, each with at least {least} messages unacknowledged")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", required=True, help="e2e_node")
    parser.add_argument("--audit", required=True, help="e2e_audit")
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--lose-unsynced", action="store_true")
    parser.add_argument("--spoil", action="store_true", help="have one message too many applied: the audit must fail")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    return parser.parse_args()


def main(campaign):
    options = arguments()
    try:
        campaign(options).run()
    except Failure as e:
        print(f"failed (seed {options.seed}): {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Campaign))
