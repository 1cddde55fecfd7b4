#!/usr/bin/env python3
"""What one of ten peers that stops without a word costs the round trips of the others, with real processes.

    blackhole.py --program PROGRAM [--pairs N] [--asks N]

Each pair of runs asks agents on nine nodes of each other, QoS 2, first with all ten nodes well and then with the tenth
stopped by SIGSTOP, to which all go on to send: its connections stay open and nothing answers. The figure is the median,
over the pairs, of the ratio of the 99th percentiles; at most 2."""
import argparse
import statistics
import sys
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
import signal
from cluster import Cluster, Failure, wait_until

RATIO_MAX = 2.0
LOST = "n10"


def p99(c, agents, asks):
    """Of round trips from each node's control socket to an agent of the next, one after the other; in ms."""
    names = [name for name in c.nodes if name != LOST]
    took = []
    for i in range(asks):
        at = names[i % len(names)]
        to = names[(i + 1) % len(names)]
        if i % len(names) == 0:  # and to the one that may be gone, which nobody waits for
            for name in names:
                c[name].call("send", to=agents[LOST], kind="work", json=1)
        begin = time.monotonic()
        answer = c[at].call("ask", to=agents[to], kind="sum", text="", timeout_ms=10_000)
        if answer["status"] != "ok":
            raise Failure(f"{at} asked {to}: {answer}")
        took.append((time.monotonic() - begin) * 1000)
    return sorted(took)[len(took) * 99 // 100]


def pair(program, asks):
    with Cluster(program, 10, label="kith-e2e-black-hole") as c:
        c.start()
        agents = {name: c.spawn("troubled", f"t-{name}", name) for name in c.nodes}
        wait_until("all to know each other", lambda: all(
            len(node.call("agents", all=True)) >= len(agents) for node in c.nodes.values()))
        p99(c, agents, asks // 4)  # warm
        without = p99(c, agents, asks)
        c[LOST].process.send_signal(signal.SIGSTOP)
        having = p99(c, agents, asks)
        c[LOST].process.send_signal(signal.SIGCONT)
        c.stop()
    print(f"p99 {without:.1f} ms, with one peer gone {having:.1f} ms: {having / without:.2f}", flush=True)
    return having / without


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--asks", type=int, default=2000)
    given = parser.parse_args()
    ratio = statistics.median(pair(given.program, given.asks) for _ in range(given.pairs))
    print(f"median of {given.pairs} pairs: {ratio:.2f}, at most {RATIO_MAX}")
    if ratio > RATIO_MAX:
        raise Failure(f"{ratio:.2f} is more than {RATIO_MAX}")


if __name__ == "__main__":
    main()
