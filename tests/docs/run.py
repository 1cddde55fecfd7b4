#!/usr/bin/env python3
"""Runs the commands that the documents show, as a reader would, and fails on those that it is not told about.

    run.py [--root DIRECTORY] BUILD_DIRECTORY [DOCUMENT...]    without documents: every Markdown file of the tree

A document has one shell and a directory of its own, with `examples`, `tests` and `tools` of the tree in it, and the
build as `build/dev` and `build/release`. A command is a line that begins with "$ " in an indented or fenced block, with
what follows a "\\" at its end; the lines up to the next command or the block's end are what it must print. It must end
with 0, unless what it prints begins with "kith:", which is an error that the document shows.

What differs from run to run is held loosely: DIDs, ids, addresses, times, numbers of four digits and more; "..."
stands for anything. Where a later command names such a value it means the one that was printed now: "kill 15004" ends
the process that stood where the document has 15004. Port 8443, /opt/kith and /tmp/money are replaced by others.

Before a block, and not seen by a reader of the page, may stand

    <!-- test: file PATH -->           the block is put into this file
    <!-- test: again -->               its commands are repeated until they print this
    <!-- test: until Ctrl-C -->        the command stays; once it has printed this it is interrupted
    <!-- test: by NAME -->             that test of ctest does this already
    <!-- test: not run: REASON -->     a person has to; the reason is printed
    <!-- test: no commands -->         it only looks like it
    <!-- test: after DOCUMENT -->      anywhere: that one is run before, and what it installed is there

A block that is marked in sh or looks like commands, but has no "$ " and no such mark, fails."""
import argparse
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120  # for one command
AGAIN_S = 20  # for one that is repeated
VALUE = re.compile(r"did:key:z6Mk\w*(?:\.\.\.)?|[0-9a-f]{8}-[0-9a-f-]+(?:\.\.\.)?|\d+(?::\d+){2}(?:\.\d+)?"
                   r"|\d{4}-\d\d-\d\d|\d+(?:\.\d+)+(?::\d+)?|[0-9a-f]{16,}|\d{4,}")
MARK = re.compile(r"\s*<!-- test: (.*?) -->\s*$")
SHELLS = ("sh", "bash", "shell", "console")
PROGRAMS = {"sudo", "docker", "cmake", "ctest", "cpack", "ninja", "git", "apt", "apt-get", "npm", "node", "python3",
            "export", "cd", "curl", "kith", "hello", "purse", "openssl", "systemctl"}
PR_SET_CHILD_SUBREAPER = 36


class Failure(Exception):
    pass


class Block:
    def __init__(self, line, info, mark):
        self.line, self.info, self.mark, self.lines = line, info, mark, []

    def commands(self):
        """(line number, command, lines that it must print)."""
        found = []
        for number, text in enumerate(self.lines, self.line):
            if text.startswith("$ "):
                found.append((number, text[2:], []))
            elif found and found[-1][1].endswith("\\") and not found[-1][2]:
                found[-1] = (found[-1][0], found[-1][1] + "\n" + text.strip(), [])
            elif found:
                found[-1][2].append(text)
        return found

    def looks_like_commands(self, root):
        def is_program(word):
            path = os.path.join(root, word)
            return word in PROGRAMS or word.startswith("build/") or (
                "/" in word and os.path.isfile(path) and os.access(path, os.X_OK))
        return self.info in SHELLS or self.info == "" and any(
            is_program(words[0]) for words in map(str.split, self.lines) if words)


def blocks_of(path, text):
    """The indented and fenced blocks of a document, and the documents that it comes after."""
    blocks, after, mark, block, fence = [], [], None, None, None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if fence is not None:
            if stripped.startswith("```"):
                fence = block = None
            else:
                block.lines.append(line[fence:])
            continue
        said = MARK.match(line)
        if said or stripped.startswith("```") or (line.startswith("    ") and block is None):
            if said:
                if mark:
                    raise Failure(f"{path}:{mark[0]}: no block follows this mark")
                if said[1].startswith("after "):
                    after.append(said[1][6:])
                else:
                    mark = (number, said[1])
                block = None
                continue
            if stripped.startswith("```"):
                fence = len(line) - len(line.lstrip())
                block = Block(number + 1, stripped[3:].strip(), mark and mark[1])
            else:
                block = Block(number, "", mark and mark[1])
                block.lines.append(line[4:])
            blocks.append(block)
            mark = None
        elif line.startswith("    "):
            block.lines.append(line[4:])
        elif not stripped and block:
            block.lines.append("")
        else:
            block = None
            if stripped and mark:
                raise Failure(f"{path}:{mark[0]}: no block follows this mark")
    if mark:
        raise Failure(f"{path}:{mark[0]}: no block follows this mark")
    return blocks, after


def same(expected, printed):
    """The values that the document has, each with the one printed in its place; None if it is another line."""
    want, got, values = expected.split(), printed.split(), []
    for i, token in enumerate(want):
        if token == "...":
            return values
        if i >= len(got):
            return None
        is_time = token.isdigit() and want[i + 1:i + 2] == ["s"]
        if got[i].isdigit() and (is_time or re.fullmatch(r"\d{4,}", token)):  # a small process id has fewer digits
            values.append((token, got[i]))
        elif VALUE.sub("#", token) == VALUE.sub("#", got[i]):
            values += zip(VALUE.findall(token), VALUE.findall(got[i]))
        elif not (token.endswith("...") and VALUE.sub("#", got[i]).startswith(VALUE.sub("#", token[:-3]))):
            return None
    return values if len(want) == len(got) else None


def missing(expected, printed, learned):
    """The first line that should have been printed and was not. Notes what stands where the document has a value."""
    for want in expected:
        if want.strip() in ("", "..."):
            continue
        found = next((values for values in (same(want, line) for line in printed) if values is not None), None)
        if found is None:
            return want
        learned.update((shown, now) for shown, now in found if VALUE.fullmatch(shown) and not shown.endswith("..."))
    return None


class Shell:
    MARK = "@@end-of-command@@"

    def __init__(self, directory, env):
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=directory, env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def run(self, command, interrupt_when=None):
        """What it printed, and how it ended."""
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nstatus=$?; echo; echo {self.MARK} $status\n")
        self.process.stdin.flush()
        printed = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Failure("the shell ended; it printed\n" + "\n".join(printed))
            if line.startswith(self.MARK):
                while printed and not printed[-1]:
                    printed.pop()
                return printed, int(line.split()[1])
            printed.append(line.rstrip("\n"))
            if interrupt_when and interrupt_when(printed):
                interrupt_when = None
                os.killpg(self.process.pid, signal.SIGINT)

    def close(self):
        self.process.kill()
        self.process.wait()


def end_descendants():
    """What a document has left running: nodes that were detached are ours, since nobody else is their parent."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Runner:
    def __init__(self, root, build):
        self.root, self.build = os.path.abspath(root), os.path.abspath(build)
        self.scratch = tempfile.mkdtemp(prefix="kith-docs-")
        self.done, self.counts = set(), {}
        listed = subprocess.run(["ctest", "--test-dir", self.build, "-N"], capture_output=True, text=True, check=True)
        self.tests = set(re.findall(r"Test +#\d+: (\S+)", listed.stdout))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.replaced = {":8443": f":{port}", "/opt/kith": os.path.join(self.scratch, "opt/kith"),
                         "/tmp/money": os.path.join(self.scratch, "money")}
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
        self.env.update(PATH=os.path.join(self.build, "bin") + os.pathsep + self.env["PATH"], NO_COLOR="1",
                        PYTHONDONTWRITEBYTECODE="1")

    def close(self):
        end_descendants()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def directory_of(self, path):
        directory = os.path.join(self.scratch, str(len(self.done)) + "-" + os.path.basename(path))
        os.makedirs(os.path.join(directory, "build"))
        for name in ("examples", "tests", "tools"):
            os.symlink(os.path.join(self.root, name), os.path.join(directory, name))
        for preset in ("dev", "release"):
            os.symlink(self.build, os.path.join(directory, "build", preset))
        return directory

    def document(self, path):
        path = os.path.normpath(path)
        if path in self.done:
            return
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            blocks, after = blocks_of(path, file.read())
        for earlier in after:
            self.document(earlier)
        self.done.add(path)
        self.counts = {}
        directory = self.directory_of(path)
        shell = Shell(directory, self.env)
        learned = {}
        try:
            for block in blocks:
                self.block(path, block, shell, directory, learned)
        finally:
            shell.close()
            end_descendants()
        for what, count in self.counts.items():
            print(f"{path}: {count} {what}", flush=True)

    def block(self, path, block, shell, directory, learned):
        where, mark, found = f"{path}:{block.line}", block.mark, block.commands()
        shown = len(found) or len([line for line in block.lines if line.strip()])
        if mark is None or mark in ("again", "until Ctrl-C"):
            if not found and (mark or block.looks_like_commands(self.root)):
                raise Failure(f"{where}: commands without \"$ \", which are neither run nor marked (tests/docs/run.py)")
            for number, command, expected in found:
                self.command(f"{path}:{number}", self.replace(command, learned), expected, shell, mark, learned)
        elif mark.startswith("file "):
            target = os.path.join(directory, mark[5:])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8") as file:
                file.write("".join(self.replace(line, {}) + "\n" for line in block.lines))
            self.count("files written")
        elif mark.startswith("by "):
            if mark[3:] not in self.tests:
                raise Failure(f"{where}: there is no test {mark[3:]}")
            self.count(f"run by {mark[3:]}", shown)
        elif mark.startswith("not run: ") and len(mark) > 15:
            self.count(mark, shown)
        elif mark == "no commands" and not found:
            pass
        else:
            raise Failure(f"{where}: what is the mark \"{mark}\"? See tests/docs/run.py")

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def replace(self, text, learned):
        for shown, now in self.replaced.items():
            text = text.replace(shown, now)
        for shown, now in learned.items():
            text = re.sub(rf"(?<![\w.:-]){re.escape(shown)}(?![\w-])", now, text)
        return text

    def command(self, where, command, expected, shell, mark, learned):
        print(f"{where}: $ {command}", flush=True)
        expected = [line for line in expected if line.strip()]
        shows_error = bool(expected) and expected[0].startswith("kith:")
        enough = None
        if mark == "until Ctrl-C":
            def enough(printed):
                return missing(expected, printed, {}) is None
        end = time.monotonic() + (AGAIN_S if mark == "again" else 0)
        while True:
            signal.alarm(PATIENCE_S)
            printed, status = shell.run(command, enough)
            signal.alarm(0)
            absent = missing(expected, printed, learned)
            failed = (status == 0) == shows_error
            if not failed and absent is None:
                break
            if time.monotonic() < end:
                time.sleep(0.2)
                continue
            if failed:
                raise Failure(f"{where}: it ended with {status}:\n" + "\n".join(printed))
            raise Failure(f"{where}: it does not print\n{absent}\nbut\n" + "\n".join(printed))
        self.count("commands run")


def documents_of(root):
    for at, directories, names in os.walk(root):
        directories[:] = sorted(d for d in directories if not d.startswith(".") and d not in ("build", "node_modules"))
        yield from (os.path.relpath(os.path.join(at, name), root) for name in sorted(names) if name.endswith(".md"))


def too_long(*_):
    raise Failure("a command did not end in time")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("build")
    parser.add_argument("documents", nargs="*")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGALRM, too_long)
    runner = Runner(given.root, given.build)
    try:
        for path in given.documents or list(documents_of(given.root)):
            runner.document(path)
    except Failure as failure:
        print(failure)
        sys.exit(1)
    finally:
        runner.close()


if __name__ == "__main__":
    main()
