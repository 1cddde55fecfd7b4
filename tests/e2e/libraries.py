#!/usr/bin/env python3
"""Agent types from a shared library: `kith up --lib` runs them like its own, and says what is wrong with one that it
cannot take.

    libraries.py KITH LIBRARY"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # a source tree stays as it is
from cluster import Failure

KITH, LIBRARY = sys.argv[1:3]


def kith(directory, *arguments):
    done = subprocess.run([KITH, "--dir", directory, *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def expect(what, got, code, text):
    if got[0] != code or text not in got[1]:
        raise Failure(f"{what}: {got}, not {code} with {text!r}")


def main():
    directory = tempfile.mkdtemp(prefix="kith-e2e-lib-")
    try:
        expect("init", kith(directory, "init", "--nodes", "1"), 0, "")
        expect("a library that is not there", kith(directory, "run", "--node", "n1", "--lib", "gone.so"), 2, "gone.so")
        expect("what is no library", kith(directory, "run", "--node", "n1", "--lib", __file__), 2, "bad_library")
        for life in (5, 10):
            expect("up", kith(directory, "up", "--detach", "--lib", os.path.relpath(LIBRARY)), 0, "ready")
            if life == 5:
                expect("spawn", kith(directory, "spawn", "tally", "--name", "t"), 0, "did:key:")
            expect("ask", kith(directory, "ask", "t", "add", "--json-payload", "5"), 0, str(life))
            expect("stop", kith(directory, "stop"), 0, "")
    finally:
        kith(directory, "stop")
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
