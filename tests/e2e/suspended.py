#!/usr/bin/env python3
"""Very many handlers that wait: what they cost in memory, and that all of them go on after a kill.

    suspended.py --program PROGRAM [--count N] [--bytes-max N]

The memory of the process is read after a start without them and after a start with them: then what the store keeps in
memory of what it has just written, which is bounded and has nothing to do with handlers, is in neither."""
import argparse
import sys
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, wait_until


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--bytes-max", type=int, default=300)
    given = parser.parse_args()
    with Cluster(given.program, 1, settings=("log.level=warn", "store.cache_mb=4")) as c:
        c.start()
        c.spawn("sleeper", "s", "n1")
        ask = lambda: c.ask("s", "report")

        def flood(until_ms):
            c.cli("send", "s", "flood", "--json-payload", f'{{"count": {given.count}, "until": {until_ms}}}')
        def restarted():
            c.stop()
            c.start()
            wait_until("the agent", lambda: c.run("ask", "s", "report").returncode == 0)
            return resident(c["n1"].process.pid)

        flood(0)  # as many that do not wait
        wait_until("the messages", lambda: ask()["awake"] == given.count, patience_s=600, interval_s=0.5)
        without = restarted()
        end = int(time.time() * 1000) + 20_000 + given.count
        flood(end)
        wait_until("all to wait", lambda: ask()["naps"] == 2 * given.count, patience_s=600, interval_s=0.5)
        live = resident(c["n1"].process.pid)
        having = restarted()
        if time.time() * 1000 > end:
            raise Failure("it took too long to have them all wait at once")
        each = (having - without) / given.count
        print(f"{given.count} handlers wait: {each:.0f} bytes each; the process has {without >> 10} KiB after a start "
              f"without them, {live >> 10} KiB with the last just begun, {having >> 10} KiB after a start with them")
        c["n1"].kill()
        c.start()
        wait_until("the agent", lambda: c.run("ask", "s", "report").returncode == 0)
        wait_until("all to go on", lambda: ask()["awake"] == 2 * given.count, patience_s=600, interval_s=0.5)
        if c.cli("handlers", "ls"):
            raise Failure("handlers wait that should not")
        c.stop()
        if each > given.bytes_max:
            raise Failure(f"{each:.0f} bytes each, more than {given.bytes_max}")


if __name__ == "__main__":
    main()
