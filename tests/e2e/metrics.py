#!/usr/bin/env python3
"""Metrics: that each moves when the thing happens on real nodes, and that what /metrics serves, what docs/METRICS.md
says and what the Grafana dashboard asks for is the same.

    metrics.py --program PROGRAM --source SOURCE_DIRECTORY"""
import argparse
import json
import os
import re
import socket
import sys
import urllib.request

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Cluster, Failure, wait_until

LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')
ROW = re.compile(r"\| `([a-z_]+)` \| (counter|gauge|histogram) \| ((?:`[a-z]+`(?:, )?)*) ?\|")


class Served:
    """One answer of /metrics: the kind of each name, the labels it has, and every value."""

    def __init__(self, text):
        self.kinds, self.labels, self.values = {}, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.kinds[name] = kind
                continue
            found = LINE.fullmatch(line)
            if not found:
                raise Failure(f"no line of Prometheus' format: {line}")
            name, labels, value = found.group(1), dict(LABEL.findall(found.group(2) or "")), float(found.group(3))
            self.values[name, tuple(sorted(labels.items()))] = value
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            base = base if self.kinds.get(base) == "histogram" else name
            self.labels.setdefault(base, set()).update(set(labels) - {"le"})

    def value(self, name, **labels):
        return self.values.get((name, tuple(sorted(labels.items()))), 0)


def documented(source):
    """By name: kind and labels, as docs/METRICS.md has them."""
    with open(os.path.join(source, "docs", "METRICS.md"), encoding="utf-8") as file:
        rows = [row for row in map(ROW.match, file) if row]
    return {row.group(1): (row.group(2), set(re.findall("[a-z]+", row.group(3)))) for row in rows}


def dashboard_names(source):
    with open(os.path.join(source, "tools", "packaging", "grafana", "kith.json"), encoding="utf-8") as file:
        board = json.load(file)
    queries = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    queries += [v["query"] for v in board["templating"]["list"]]
    return {name for q in queries for name in re.findall(r"\b(?:kith|process)_[a-z_]+", q)}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check(what, good):
    if not good:
        raise Failure(what)


def compare(served, source):
    told = documented(source)
    check(f"served, but not in docs/METRICS.md: {sorted(set(served.kinds) - set(told))}",
          not set(served.kinds) - set(told))
    check(f"in docs/METRICS.md, but not served: {sorted(set(told) - set(served.kinds))}",
          not set(told) - set(served.kinds))
    for name, (kind, labels) in told.items():
        check(f"{name} is a {served.kinds[name]}, docs/METRICS.md says {kind}", served.kinds[name] == kind)
        check(f"{name} has the labels {sorted(served.labels[name])}, docs/METRICS.md says {sorted(labels)}",
              served.labels[name] == labels)
    there = {n + end for n, (kind, _) in told.items()
             for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
    used = dashboard_names(source)
    check(f"the dashboard names what there is not: {sorted(used - there)}", not used - there)
    check(f"the dashboard leaves out: {sorted(n for n in told if not any(u.startswith(n) for u in used))}",
          all(any(u.startswith(n) for u in used) for n in told))


def make_it_happen(c, port, read):
    """Each thing, and the series that must move by it."""
    c.spawn("troubled", "t", "n1")
    c.spawn("troubled", "far", "n2")
    before = read()
    for kind in ("work", "refuse", "throw"):
        c.cli("send", "t", kind, "--json-payload", "1")
    for _ in range(20):
        c.cli("send", "far", "work", "--json-payload", "1", "--node", "n1")
    c.cli("send", "t", "hang", "--json-payload", "30")
    wait_until("the dead letter", lambda: c.cli("dlq", "ls"))
    with socket.create_connection(("127.0.0.1", port)) as s:  # no HTTP
        s.sendall(b"\0\0\0\r\n\r\n")
        s.recv(1000)
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/1.0/identifiers/did:web:localhost%3A1", timeout=30).close()
    except urllib.error.HTTPError as e:
        e.close()
    return before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--source", required=True)
    given = parser.parse_args()
    port = free_port()
    with Cluster(given.program, 2, ("turn.retry_delay_ms=20", "turn.retry_delay_ms_max=50",
                                    "turn.attempts_max=3")) as c:
        c["n1"].start(f"edge.listen=127.0.0.1:{port}", "edge.tls=off", "edge.fetch_private=true")
        c["n2"].start()
        c.wait_ready()

        def read():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                return Served(answer.read().decode())

        before = make_it_happen(c, port, read)
        by_type = lambda s, name, **labels: s.value(name, type="troubled", **labels)

        def moved():
            now = read()
            return all((by_type(now, "kith_turn_seconds_count") >= by_type(before, "kith_turn_seconds_count") + 6,
                        by_type(now, "kith_turn_seconds_sum") >= 0.03,
                        by_type(now, "kith_dispositions_total", disposition="handled") == 2,
                        by_type(now, "kith_dispositions_total", disposition="refused") == 1,
                        by_type(now, "kith_dispositions_total", disposition="dead") == 1,
                        by_type(now, "kith_dead_letters_total", reason="failed") == 1,
                        by_type(now, "kith_agents_active") == 1,
                        now.value("kith_agents") >= 1,
                        now.value("kith_journal_sync_seconds_count") > before.value("kith_journal_sync_seconds_count"),
                        now.value("kith_journal_commit_bytes_sum") > before.value("kith_journal_commit_bytes_sum"),
                        now.value("kith_journal_position") > before.value("kith_journal_position"),
                        now.value("kith_store_free_bytes") > 0,
                        now.value("kith_link_up", peer="n2") == 1,
                        now.value("kith_link_round_trip_seconds", peer="n2") > 0,
                        now.value("kith_link_unacknowledged", peer="n2") == 0,
                        now.value("kith_edge_requests_total", route="metrics") >= 2,
                        now.value("process_resident_memory_bytes") > 1 << 20)) and now
        try:
            now = wait_until("every series to move", moved)
        except Failure:
            print("\n".join(f"{k} {v}" for k, v in sorted(read().values.items())))
            raise
        compare(now, given.source)
        c["n2"].kill()
        wait_until("the link to be down", lambda: read().value("kith_link_up", peer="n2") == 0)
        # An agent that hangs: what comes meanwhile waits, and grows old.
        c.cli("send", "t", "hang", "--json-payload", "6000")
        for _ in range(5):
            c.cli("send", "t", "work", "--json-payload", "1")
        waits = lambda s: (s.value("kith_mailbox_waiting") >= 4 and s.value("kith_mailbox_waiting_max") >= 4)
        wait_until("messages to wait", lambda: waits(read()))
        wait_until("them to have had their turn", lambda: read().value("kith_mailbox_waiting") == 0)
        c["n1"].stop()
    print(f"{len(now.kinds)} metrics, {len(now.values)} values")


if __name__ == "__main__":
    main()
