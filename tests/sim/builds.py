#!/usr/bin/env python3
"""What sim_nodes finds in the release build, which is built first if need be.

    builds.py same DEV_SIM_NODES SEEDS    the same events, one by one, in the dev and the release build, so that a
                                          seed which breaks in one breaks in the other, too
    builds.py campaign SEEDS              as many seeds, on all cores"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "release")
RELEASE = os.path.join(BUILD, "tests", "sim", "sim_nodes")
TEST = "whatever goes wrong*"


def build():
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True)
    subprocess.run(["cmake", "--build", BUILD, "--target", "sim_nodes"], cwd=ROOT, check=True)


def start(program, first, count):
    environment = {**os.environ, "KITH_SEED": str(first), "KITH_SEEDS": str(count)}
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # a pipe would hold up who is not read yet
    return said, subprocess.Popen([program, TEST], env=environment, stdout=said, stderr=subprocess.STDOUT)


def end(started):
    said, process = started
    process.wait()
    said.seek(0)
    out = said.read()
    said.close()
    if process.returncode:
        sys.exit(f"{process.args[0]}: exit code {process.returncode}\n{out}")
    return out


def traces(program, count):
    return re.findall(r"^events \d+, trace [0-9a-f]{16}", end(start(program, 1, count)), re.MULTILINE)


def same(dev_program, count):
    dev, release = traces(os.path.abspath(dev_program), count), traces(RELEASE, count)
    if len(dev) != count or len(set(dev)) != count:
        sys.exit(f"{len(dev)} traces of {count} seeds, {len(set(dev))} of them different: {dev}")
    different = [f"seed {n}: dev {a}, release {b}" for n, (a, b) in enumerate(zip(dev, release), 1) if a != b]
    if different or len(dev) != len(release):
        sys.exit("\n".join(different) or f"{len(release)} traces of the release build")
    print(f"{count} seeds are the same runs in both builds")


def campaign(count):
    cores = os.cpu_count() or 1
    bounds = [1 + count * i // cores for i in range(cores + 1)]
    parts = [start(RELEASE, a, b - a) for a, b in zip(bounds, bounds[1:]) if b > a]
    for said in [end(part) for part in parts]:
        print(*re.findall(r"^.* times real time$|^injected.*$", said, re.MULTILINE), sep="\n")
    print(f"{count} seeds are good")


def main():
    build()
    if sys.argv[1] == "same":
        same(sys.argv[2], int(sys.argv[3]))
    else:
        campaign(int(sys.argv[2]))


if __name__ == "__main__":
    main()
