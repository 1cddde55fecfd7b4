#!/usr/bin/env python3
"""Handlers that throw, very often: the node lives, other agents are served meanwhile, and each message is a dead
letter in the end.

    throws.py --program PROGRAM [--count N]"""
import argparse
import sys
import time

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, wait_until


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=20000)
    given = parser.parse_args()
    with Cluster(given.program, 1, settings=("turn.attempts_max=1", "log.level=off", "watchdog.handler_ms=0")) as c:
        c.start()
        c.spawn("thrower", "t", "n1")
        c.spawn("thrower", "calm", "n1")
        pid = c["n1"].call("status")["pid"]
        begin = time.monotonic()
        c.cli("send", "t", "flood", "--json-payload", str(given.count))

        def thrown():
            if not c["n1"].running():
                raise Failure(f"the node ended with {c['n1'].process.returncode}")
            if c.ask("calm", "thrown") != 0:
                raise Failure("the other agent threw")
            return c.ask("t", "thrown") >= given.count
        wait_until("all throws", thrown, patience_s=3600, interval_s=0.5)
        took = time.monotonic() - begin
        if c["n1"].call("status")["pid"] != pid or c.ask("t", "thrown") != given.count:
            raise Failure(f"{c.ask('t', 'thrown')} throws instead of {given.count}, or another process")
        c.stop()
        print(f"{given.count} handlers threw in {took:.1f} s")


if __name__ == "__main__":
    main()
