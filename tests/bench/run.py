#!/usr/bin/env python3
"""tests/bench/run.py KITH: every row of `kith bench` is there, can be measured, and says in its JSON what a reader of
it needs. One round of a few messages (--tiny), so no figure and no ratio is judged. js-libp2p is installed first."""
import contextlib
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# The table of the issue, and the rows of the edge. The row about passivated agents waits for passivation.
ROWS = {
    "local_qos0": 0.5, "local_qos2": 0.3, "link_qos0": 5, "link_qos2": 0.8, "round_trip_qos0": 0.6,
    "round_trip_qos2": 1.8, "bulk": 0.4, "libp2p_stream": 8, "handshake": 2.5, "once": 2, "memory_agent": 3,
    "memory_node": 60, "start_stored": 2, "start_killed": 0.5, "edge_resolve": 0.6, "edge_post": 0.5,
    "edge_follower": 64,
}
LIMITS = {"memory_node", "start_stored", "start_killed", "edge_follower"}  # no baseline
LESS = LIMITS | {"round_trip_qos0", "round_trip_qos2", "handshake", "once", "memory_agent"}
# What a row prints beside its figures, each more than 0.
NOTES = {
    "local_qos2": ["messages a synced write", "records a message", "journal bytes a message"],
    "round_trip_qos2": ["commits on the critical path", "commits of the answerer's journal a trip",
                        "commits of the asker's journal a trip, others of the bench included"],
    "once": ["writes of steps in a synced batch", "records a step, those of the handlers' messages included"],
    "memory_agent": ["agents"],
    "start_stored": ["s until the last made of the agents has answered"],
}
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


def print_processes(part):
    """Those whose command has `part`, with what the kernel has them wait for: what a bench stands still at."""
    for directory in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError):
            with open(directory + "/cmdline", encoding="utf-8") as file:
                command = file.read().replace("\0", " ")
            with open(directory + "/wchan", encoding="utf-8") as file:
                if part in command:
                    print(directory, file.read(), command)


def bench(kith, *words, **env):
    with subprocess.Popen([kith, "bench", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **env}) as process:
        try:
            out, err = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            print_processes("bench")
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def check_row(row):
    name = row["name"]
    compared = name not in LIMITS
    check(row["measured"] is True, f"{name} is measured: {row.get('why_not')}")
    check(row["target"] == ROWS.get(name), f"{name} has the target of the issue: {row['target']}")
    check(row["better"] == ("less" if name in LESS else "more"), f"{name}: what is better")
    for text in ("figure", "unit", "durability"):
        check(isinstance(row[text], str) and row[text], f"{name} names its {text}")
    check(isinstance(row["met"], bool), f"{name} is judged")
    check(len(row["values"]) == 1, f"{name} has one value: {row['values']}")
    # A hundred agents may fit into pages that the process had anyway.
    check(all(v > 0 or name in ("memory_agent", "edge_follower") for v in row["values"]), f"{name}: {row['values']}")
    check(row["value"] == row["values"][0], f"{name}: the median of one value is that value")
    check(bool(row["baseline_name"]) == compared, f"{name} has a baseline or a limit")
    check(len(row["baselines"]) == int(compared), f"{name}: {row['baselines']}")
    if compared:
        check(row["baseline"] > 0 or name == "memory_agent", f"{name}: its baseline was measured")
        if row["baseline"] > 0:
            check(abs(row["ratio"] - row["value"] / row["baseline"]) < 1e-9, f"{name}: ratio of value and baseline")
    else:
        check(row["baseline"] is None and row["ratio"] is None, f"{name} has no ratio")
    for note in NOTES.get(name, []):
        check(row["notes"].get(note, 0) > 0, f"{name} says: {note}")


def main():
    kith = os.path.realpath(sys.argv[1])
    libp2p = os.path.join(HERE, "../interop/libp2p")
    subprocess.run([os.path.join(libp2p, "install")], check=True, timeout=300)

    listed = bench(kith, "--list")
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    check(listed.returncode == 0 and sorted(names) == sorted(ROWS), f"--list has every row: {names}")

    all_rows = bench(kith, "--tiny", "--json", BENCH_JS_LIBP2P=libp2p)
    check(all_rows.returncode == 0, f"all rows are measured: {all_rows.returncode} {all_rows.stderr}")
    rows = json.loads(all_rows.stdout)
    check([r["name"] for r in rows] == names, "the table has the rows of --list in their order")
    for row in rows:
        check_row(row)

    none = bench(kith, "--tiny", "--json", "--only", "libp2p_stream", BENCH_JS_LIBP2P="/nonexistent")
    rows = json.loads(none.stdout)
    check(none.returncode == 1 and len(rows) == 1, "a row that cannot be measured fails the bench")
    row = rows[0]
    check(row["measured"] is False and row["met"] is False and row["value"] is None and "npm ci" in row["why_not"],
          f"it says why, and invents nothing: {row}")

    unknown = bench(kith, "--only", "nonsense")
    check(unknown.returncode not in (0, 1) and "--list" in unknown.stderr, "an unknown row is named as such")
    shown = bench(kith, "--tiny", "--only", "handshake")
    check(shown.returncode == 0 and shown.stdout.startswith("handshake: ") and "ratio" in shown.stdout, shown.stdout)
    print("bench: every row is there" if not failed else f"bench: {len(failed)} checks failed")
    return 1 if failed else 0


sys.exit(main())
