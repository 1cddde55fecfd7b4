#!/usr/bin/env python3
"""Runs the commands that a document shows, as a reader would: one shell for a document, in a directory of its own, in
their order. A command is a line that begins with "$ " in an indented or fenced block, with what follows a "\\" at its
end; the lines up to the next command or the block's end are what it must print.

    run.py BIN_DIRECTORY DOCUMENT...

Every command must end with 0, unless what it prints begins with "kith:", which is an error that the document shows.
What differs from run to run is held loosely: DIDs, ids, numbers, addresses, times; "..." stands for anything. Port
8443 is replaced by a free one. A document without a single command fails: then it was not read rightly."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

PATIENCE_S = 120  # for one command
LOOSE = re.compile(r"did:key:z6Mk\w*(\.\.\.)?|[0-9a-f]{8}-[0-9a-f-]+(\.\.\.)?|\d+(\.\d+)*(:\d+)?|[0-9a-f]{16,}")


class Failure(Exception):
    pass


def commands(text):
    """(line number, command, lines that it must print) of a document."""
    found, current, fenced = [], None, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced, current = not fenced, None
            continue
        if not fenced and not line.startswith("    "):
            current = None if line.strip() else current
            continue
        content = line if fenced else line[4:]
        if content.startswith("$ "):
            current = (number, content[2:], [])
            found.append(current)
        elif current and current[1].endswith("\\") and not current[2]:
            found[-1] = current = (current[0], current[1] + "\n" + content.strip(), current[2])
        elif current:
            current[2].append(content)
    return found


def loosely(line):
    return LOOSE.sub("#", line).split()


def same(expected, printed):
    want, got = loosely(expected), loosely(printed)
    for i, token in enumerate(want):
        if token == "...":
            return True
        if i >= len(got) or not (token == got[i] or token.endswith("...") and got[i].startswith(token[:-3])):
            return False
    return len(want) == len(got)


class Shell:
    def __init__(self, directory, env):
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=directory, env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def run(self, command):
        """What it printed, and how it ended."""
        mark = "@@end-of-command@@"
        self.process.stdin.write(f"{command}\necho; echo {mark} $?\n")
        self.process.stdin.flush()
        printed = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Failure("the shell ended")
            if line.startswith(mark):
                while printed and not printed[-1]:
                    printed.pop()
                return printed, int(line.split()[1])
            printed.append(line.rstrip("\n"))

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def try_document(path, binaries, port):
    with open(path, encoding="utf-8") as file:
        text = file.read().replace(":8443", f":{port}")
    found = commands(text)
    if not found:
        raise Failure(f"{path}: no command in it")
    directory = tempfile.mkdtemp(prefix="kith-docs-")
    env = {**os.environ, "PATH": binaries + os.pathsep + os.environ["PATH"], "NO_COLOR": "1"}
    for name in [n for n in env if n.startswith("KITH_")]:
        del env[name]
    shell = Shell(directory, env)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(Failure("a command did not end in time")))
    try:
        for number, command, expected in found:
            print(f"{path}:{number}: $ {command}", flush=True)
            signal.alarm(PATIENCE_S)
            printed, status = shell.run(command)
            signal.alarm(0)
            shows_error = bool(expected) and expected[0].startswith("kith:")
            if (status == 0) == shows_error:
                raise Failure(f"{path}:{number}: it ended with {status}:\n" + "\n".join(printed))
            for want in filter(str.strip, expected):
                if want.strip() != "..." and not any(same(want, got) for got in printed):
                    raise Failure(f"{path}:{number}: it does not print\n{want}\nbut\n" + "\n".join(printed))
    finally:
        # What a document that failed has left running.
        subprocess.run([os.path.join(binaries, "kith"), "stop"], cwd=directory, env=env, capture_output=True,
                       check=False, timeout=60)
        shell.close()
        shutil.rmtree(directory, ignore_errors=True)
    return len(found)


def main():
    binaries, documents = os.path.abspath(sys.argv[1]), sys.argv[2:]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    try:
        for path in documents:
            print(f"{path}: {try_document(path, binaries, port)} commands as it says", flush=True)
    except Failure as failure:
        print(failure)
        sys.exit(1)


if __name__ == "__main__":
    main()
