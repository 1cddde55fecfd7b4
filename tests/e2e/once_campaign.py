#!/usr/bin/env python3
"""Kills nodes of a cluster whose agents pay for what they are sent, each item once.

The campaign of campaign.py, with QoS 2 throughout, and handlers that wait in place of the sinks: each item is paid for
by a `once` into a file outside of Kith, which keeps every call with its idempotency key. In the end each item must have
been paid for under one key, and under no other; and the calls beyond that must be no more than the payments that had
been begun, and had no result, in the stores that the kills left behind."""
import collections
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True  # a source tree stays as it is
import campaign
from campaign import Failure


class OnceCampaign(campaign.Campaign):
    sink_type, mixed = "payer", False

    def __init__(self, options):
        super().__init__(options)
        self.in_flight = 0  # payments, over all kills
        self.bill = None

    def prepare(self):
        self.bill = os.environ["E2E_BILL"] = os.path.join(self.cluster.dir, "bill")

    def look_at(self, victim):
        done = subprocess.run([self.options.audit, "--once", os.path.join(victim.dir, "store")], capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"what the kill left of {victim.name} cannot be read: {done.stderr}")
        self.in_flight += json.loads(done.stdout)["once"]

    def applied(self, report):
        return sum(report.values())

    def audit_states(self, agents):
        for name, did in self.sinks.items():
            expected = {str(self.number_of(source)): count
                        for (source, sink), count in self.shares().items() if sink == name and count}
            state = agents[did]["cells"].get("paid")
            self.check(state == expected, f"payer of {name}: stored {state}, expected {expected}")
            self.check(agents[did]["handlers"] == 0, f"payer of {name}: {agents[did]['handlers']} handlers still wait")
        self.audit_bill()

    def audit_bill(self):
        calls, keys = 0, collections.defaultdict(set)
        with open(self.bill, encoding="utf-8") as file:
            for line in file:
                key, source, number, payer = line.split()
                keys[int(source), int(number), payer].add(key)
                calls += 1
        expected = {(self.number_of(source), number, f"sink-{sink}")
                    for (source, sink), count in self.shares().items() for number in range(1, count + 1)}
        self.check(set(keys) == expected, "what was paid for is not what was ordered")
        doubled = [item for item, used in keys.items() if len(used) != 1]
        self.check(not doubled, f"paid for under several keys: {doubled[:3]}")
        distinct = {key for used in keys.values() for key in used}
        self.check(len(distinct) == len(expected), "two items share a key")
        extra = calls - len(distinct)
        self.say(f"{calls} calls, {len(distinct)} effects, {extra} calls more than effects; in flight at the kills: "
                 f"{self.in_flight}")
        self.check(extra <= self.in_flight, f"{extra} calls beyond the effects, {self.in_flight} were in flight")

    def audit_ledgers(self, found, agents):
        for (source, sink), count in self.shares().items():
            key = next(s["key"] for s in agents[self.sources[source]]["out"] if s["to"] == self.sinks[sink])
            lines = sorted((line["seq"], line["disposition"]) for store in found.values() for line in store["received"]
                           if line["stream"] == key)
            self.check(lines == [(seq, "handled") for seq in range(1, count + 1)],
                       f"the ledger of {sink} does not say that each of {count} items of {source} was handled once")


if __name__ == "__main__":
    sys.exit(campaign.main(OnceCampaign))
