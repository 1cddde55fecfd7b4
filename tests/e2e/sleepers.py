#!/usr/bin/env python3
"""Very many agents that sleep: what they cost in memory, how soon a node with them is ready, and that they wake.

    sleepers.py --program PROGRAM [--count N] [--bytes-max N]

The memory of the process is read after a start without them and after a start with them, when it is ready: what the
store keeps in memory of what it has just written, and what the heap keeps of agents that were awake, is in neither."""
import argparse
import random
import sys
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, wait_until
from suspended import resident


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--bytes-max", type=int, default=256)
    given = parser.parse_args()
    settings = ("log.level=warn", "store.cache_mb=4", "actors.agents_max=1000000", "actors.sleep_after_ms=2000")
    with Cluster(given.program, 1, settings=settings) as c:
        node = c["n1"]
        status = lambda: node.call("status")

        def start():
            begin = time.monotonic()
            node.start()
            wait_until("the node to be ready", node.ready, interval_s=0.01)
            took = time.monotonic() - begin
            return resident(node.process.pid), took

        start()
        c.spawn("nursery", "nursery", "n1")
        wait_until("it to sleep", lambda: status()["asleep"] == 1)
        node.stop()
        without, _ = start()
        c.cli("send", "nursery", "raise", "--json-payload", str(given.count))
        wait_until("all births", lambda: status()["agents"] == given.count + 1, patience_s=900, interval_s=0.5)
        wait_until("all to sleep", lambda: status()["asleep"] == given.count + 1, patience_s=300, interval_s=0.5)
        time.sleep(12)  # the node gives memory back up to 10 s later
        live = resident(node.process.pid)
        node.stop()
        having, ready_s = start()
        if status()["asleep"] != given.count + 1:
            raise Failure(f"after a start {status()['asleep']} sleep")
        each = (having - without) / given.count
        print(f"{given.count} agents sleep: {each:.0f} bytes each; the process has {without >> 10} KiB after a start "
              f"without them, {live >> 10} KiB when all are asleep, {having >> 10} KiB after a start with them; "
              f"that start took {ready_s:.2f} s until ready")

        chosen = random.Random(1).sample([a["did"] for a in node.call("agents") if a["type"] == "napper"], 50)
        for kind in ("add", "add"):
            for who in chosen:
                c.cli("send", who, kind, "--json-payload", "1")
        wait_until("them to have added", lambda: all(c.ask(who, "sum") == 2 for who in chosen))
        node.kill()
        _, again_s = start()
        wait_until("all to sleep", lambda: status()["asleep"] == given.count + 1, patience_s=300, interval_s=0.5)
        if any(c.ask(who, "sum") != 2 for who in chosen):
            raise Failure("a sum is another after a kill")
        print(f"after a SIGKILL it was ready in {again_s:.2f} s; {len(chosen)} woke, slept and woke, with "
              "what they had")
        if node.stop() != 0:
            raise Failure("the node did not stop in order")
        if each > given.bytes_max:
            raise Failure(f"{each:.0f} bytes each, more than {given.bytes_max}")


if __name__ == "__main__":
    main()
