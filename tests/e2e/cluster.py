"""A cluster of real node processes under test: starts them through the command line, talks to them through it or
through the control socket (tools/kith/CONTROL.md), kills them, and leaves nothing running however the test ends."""
import ctypes
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60  # for anything that is waited for and has no patience of its own
LINE_SIZE_MAX = 64 << 20
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
FAST = ("log.level=info",)


class Failure(Exception):
    """The test failed; the text says how."""


class Refused(Exception):
    """The node answered a verb with an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('category')} {error.get('code')}: {error.get('context')}")
        self.error = error


def uuid7():
    """A message id of our own, as text."""
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    value = (value & ~(0xf << 76)) | (7 << 76)
    value = (value & ~(3 << 62)) | (2 << 62)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def wait_until(what, condition, patience_s=PATIENCE_S, interval_s=0.05):
    """The first value of `condition()` that is true; past the patience the test fails."""
    end = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Failure(f"{what} did not happen within {patience_s} s")
        time.sleep(interval_s)


def die_with_us():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Control:
    """One connection to a node's control socket. Raises OSError when the node is not there or goes away."""

    def __init__(self, path, timeout_s):
        self.ids = itertools.count(1)
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.settimeout(timeout_s)
            self.socket.connect(os.path.relpath(path))  # absolute ones may be too long for the kernel
        except OSError:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def call(self, verb, **args):
        request = next(self.ids)
        self.socket.sendall(json.dumps({"id": request, "verb": verb, "args": args}).encode() + b"\n")
        while True:
            answer = json.loads(self.read_line())
            if answer.get("id") != request:
                continue
            if not answer.get("ok"):
                raise Refused(answer.get("error", {}))
            return answer.get("result")

    def read_line(self):
        while b"\n" not in self.buffer:
            read = self.socket.recv(1 << 16)
            if not read or len(self.buffer) > LINE_SIZE_MAX:
                raise ConnectionError("the node went away")
            self.buffer += read
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line


class Node:
    """One node: its directory, and its process while it has one."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.live_in(cluster.dir)
        self.process = None
        self.connection = None

    def live_in(self, state_dir):
        """In another state directory from the next start on, as on another machine."""
        self.state_dir = state_dir
        self.dir = os.path.join(state_dir, "nodes", self.name)

    def start(self, *settings):
        """A process of its own, at once; it is not waited for."""
        arguments = [self.cluster.program, "run", "--dir", self.state_dir, "--node", self.name]
        for one in (*FAST, *self.cluster.settings, *settings):
            arguments += ["--set", one]
        with open(os.path.join(self.dir, "node.log"), "ab") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, preexec_fn=die_with_us)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.disconnect()

    def disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def call(self, verb, **args):
        """By the control socket, over a connection that is kept. OSError if the node is not there."""
        try:
            if self.connection is None:
                self.connection = Control(os.path.join(self.dir, "control.sock"), PATIENCE_S)
            return self.connection.call(verb, **args)
        except OSError:
            self.disconnect()
            raise

    def try_call(self, verb, **args):
        """None if the node is not there, or does not know what is asked about yet."""
        try:
            return self.call(verb, **args)
        except (OSError, Refused):
            return None

    def unacknowledged(self):
        """Messages on their way from here to other nodes that those have not journaled; 0 if this node is down."""
        status = self.try_call("status")
        return status["unacknowledged"] if status else 0

    def ready(self):
        """It answers, and is linked with every other node that runs."""
        status = self.try_call("status")
        others = [n for n in self.cluster.nodes.values() if n is not self and n.running()]
        up = {peer["name"] for peer in status["peers"] if peer["state"] == "up"} if status else set()
        return bool(status) and status["state"] == "ready" and all(n.name in up for n in others)

    def log(self):
        with open(os.path.join(self.dir, "node.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, patience_s=30):
        """SIGTERM, and the exit code."""
        self.disconnect()
        self.process.terminate()
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{self.name} did not stop within {patience_s} s") from e


class Cluster:
    """Use with `with`: at the end its processes are gone, and its directory too unless the test failed."""

    def __init__(self, program, nodes=3, settings=(), label="kith-e2e"):
        self.program, self.settings, self.count = program, tuple(settings), nodes
        self.dir = tempfile.mkdtemp(prefix=label + "-")
        self.nodes = {}
        self.keep = False  # the directory, for a look at it

    def __enter__(self):
        try:
            self.cli("init", "--nodes", str(self.count))
        except BaseException:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the end is ours
        self.nodes = {f"n{i}": Node(self, f"n{i}") for i in range(1, self.count + 1)}
        return self

    def __exit__(self, kind, value, trace):
        for node in self.nodes.values():
            if node.running():
                node.kill()
            node.disconnect()
        if kind is None and not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print(f"kept for a look: {self.dir}", flush=True)

    def __getitem__(self, name):
        return self.nodes[name]

    def run(self, *arguments, program=None, timeout_s=PATIENCE_S):
        """The command line, with its exit code, stdout and stderr."""
        command = [program or self.program, *arguments, "--dir", self.dir]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s,
                              preexec_fn=die_with_us)

    def cli(self, *arguments, code=0, program=None):
        """The command line with --json; its document. Fails on another exit code."""
        done = self.run(*arguments, "--json", program=program)
        if done.returncode != code:
            raise Failure(f"kith {' '.join(arguments)}: exit code {done.returncode} instead of {code}: "
                          f"{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def start(self, patience_s=PATIENCE_S):
        for node in self.nodes.values():
            node.start()
        self.wait_ready(patience_s)
        return self

    def wait_ready(self, patience_s=PATIENCE_S):
        for node in self.nodes.values():
            if node.running():
                self.wait_node(node, patience_s)

    def wait_node(self, node, patience_s=PATIENCE_S):
        def looks():
            if not node.running():
                raise Failure(f"{node.name} ended with {node.process.returncode}: {node.log()[-2000:]}")
            return node.ready()
        wait_until(f"{node.name} being ready", looks, patience_s)

    def spawn(self, type_, name, node):
        return self.cli("spawn", type_, "--name", name, "--node", node)["did"]

    def ask(self, to, kind, *more, code=0):
        """The answer's text or JSON."""
        answer = self.cli("ask", to, kind, *more, code=code)
        return answer.get("json", answer.get("text"))

    def stop(self):
        """All nodes, in order."""
        for node in self.nodes.values():
            if node.running():
                code = node.stop()
                if code != 0:
                    raise Failure(f"{node.name} stopped with {code}: {node.log()[-2000:]}")

    def audit(self, program):
        """What the stopped stores hold, by node name."""
        found = {}
        for node in self.nodes.values():
            done = subprocess.run([program, os.path.join(node.dir, "store")], capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False)
            if done.returncode != 0:
                raise Failure(f"the store of {node.name} cannot be audited: {done.stderr}")
            found[node.name] = json.loads(done.stdout)
        return found
