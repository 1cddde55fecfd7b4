#!/usr/bin/env python3
"""The Debian package, in a bookworm of its own (debootstrap, kept as an archive in CACHE): installed by apt, its unit
verified and run as its user and within what the unit allows, upgraded, and purged. Needs root and Debian's mirror;
without them it fails, and says which is missing.

    deb.py BUILD_DIRECTORY CACHE [unittest's arguments]

No systemd runs in there, so what the unit denies is looked for instead: the node runs under strace, without privileges
and with all but its state read-only, and what it asked the kernel for is held against the unit's own words."""
import json
import os
import re
import shutil
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BUILD, CACHE = (os.path.abspath(path) for path in sys.argv[1:3])
PATIENCE_S = 900     # for apt and debootstrap
READY_PATIENCE_S = 60
EXPOSURE_MAX = 20    # of systemd-analyze security: tenths, 100 is a unit that nothing is denied
MIRROR = "http://deb.debian.org/debian"
STATE = "/var/lib/kith"
UNIT = "/usr/lib/systemd/system/kith.service"
EDGE = "127.0.0.1:14711"


def run(*command, **options):
    """The output; fails with all that was said unless the command succeeds."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=PATIENCE_S, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-8000:]}")
    return done.stdout


def mirror():
    """Debian's mirror as apt here knows it."""
    directory = "/etc/apt/sources.list.d"
    files = ["/etc/apt/sources.list"] + [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    for path in filter(os.path.exists, files):
        with open(path, encoding="utf-8") as file:
            found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(https?://\S+/debian/?)(?:\s|$)", file.read(), re.M)
        if found:
            return found[1]
    return MIRROR


def bare_bookworm():
    """The archive of a minimal bookworm with systemd's tools in it; made on first use."""
    archive = os.path.join(CACHE, "bookworm.tar.gz")
    if os.path.exists(archive):
        return archive
    os.makedirs(CACHE, exist_ok=True)
    root = tempfile.mkdtemp(prefix="kith-bookworm-")
    os.chmod(root, 0o755)  # the archive keeps it, and it is to be the / of others
    try:
        run("debootstrap", "--variant=minbase", "--include=systemd", "bookworm", root, mirror())
        run("tar", "--numeric-owner", "--one-file-system", "-C", root, "-czf", archive + ".new", ".")
    finally:
        shutil.rmtree(root)
    os.rename(archive + ".new", archive)
    return archive


def make_package(release, directory):
    """The file of a package of this build."""
    run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", directory,
        "-D", f"CPACK_DEBIAN_PACKAGE_RELEASE={release}")
    made = [name for name in os.listdir(directory) if name.endswith(".deb")]
    if len(made) != 1:
        raise AssertionError(f"cpack made {made}")
    return os.path.join(directory, made[0])


def unit_values(text, key):
    """All that the unit says of a key, in order, without prefixes of commands."""
    return [line.split("=", 1)[1] for line in text.splitlines() if line.startswith(key + "=")]


class Chroot:
    """A system below a directory, with what apt needs mounted."""

    def __init__(self, root):
        self.root = root
        run("tar", "--numeric-owner", "-C", root, "-xzf", bare_bookworm())
        shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
        run("mount", "-t", "proc", "proc", self.path("/proc"))

    def close(self):
        run("umount", "--lazy", self.path("/proc"))

    def path(self, inside):
        return self.root + inside

    def read(self, inside):
        with open(self.path(inside), encoding="utf-8") as file:
            return file.read()

    def run(self, *command):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return run("chroot", self.root, *command, env=environment)

    def apt(self, *arguments):
        return self.run("apt-get", "-q", "-y", "-o", "Acquire::Retries=3", "-o", "Dpkg::Options::=--force-confold",
                        "--no-install-recommends", *arguments)

    def install(self, package):
        shutil.copy(package, self.path("/tmp/kith.deb"))
        said = self.apt("install", "/tmp/kith.deb")
        os.unlink(self.path("/tmp/kith.deb"))
        return said

    def named(self, word):
        """Every path with the word in its name, and every file of the system's own data with it in its text; but for
        what apt knows of the mirror."""
        paths = []
        for at, directories, names in os.walk(self.root):
            inside = at[len(self.root):] or "/"
            if inside == "/":
                directories.remove("proc")
            paths += [os.path.join(inside, name) for name in directories + names if word in name]
        grep = ["grep", "-rlI", "--exclude-dir=lists", word, "etc", "var/lib", "usr/lib/systemd"]
        texts = subprocess.run(grep, cwd=self.root, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        return sorted(paths), sorted("/" + text for text in texts)


class Service:
    """What systemd does for the unit, as far as it can be done without it."""

    def __init__(self, chroot, trace):
        self.chroot = chroot
        self.unit = chroot.read(UNIT)
        file, = unit_values(self.unit, "EnvironmentFile")
        self.settings = [line for line in chroot.read(file.lstrip("-")).splitlines() if line.startswith("KITH_")]
        self.trace = trace
        self.process = None

    def confined(self, command):
        """A command line that runs the unit's command as its user, without privileges, on a read-only system."""
        root = self.chroot.root
        script = (f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && "
                  f"mount --bind {root}{STATE} {root}{STATE} && "
                  f"mount -o remount,bind,rw {root}{STATE} && "
                  f"mount -t tmpfs tmpfs {root}/tmp && mount -t proc proc {root}/proc && "
                  f"cd {root} && exec chroot {root} setpriv --reuid=kith --regid=kith --init-groups --no-new-privs "
                  f"--bounding-set=-all --inh-caps=-all env -C {STATE} {shlex.join(self.settings)} {command}")
        return ["unshare", "--mount", "sh", "-c", script]

    def start(self, command=None, prepare=None):
        """The unit's commands, or these, until the node is ready."""
        user, = unit_values(self.unit, "User")
        directory, = unit_values(self.unit, "StateDirectory")
        mode, = unit_values(self.unit, "StateDirectoryMode")
        self.chroot.run("install", "-d", "-o", user, "-g", user, "-m", mode, "/var/lib/" + directory)
        for first in unit_values(self.unit, "ExecStartPre") if prepare is None else prepare:
            run(*self.confined(first))
        command = command or unit_values(self.unit, "ExecStart")[0]
        said = os.open(self.trace + ".said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.process = subprocess.Popen(["strace", "-f", "-qq", "-s", "64", "-o", self.trace,
                                         *self.confined(command)], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                        start_new_session=True)
        os.close(said)
        end = time.monotonic() + READY_PATIENCE_S
        while True:
            state = self.kith("ps")
            if state.returncode == 0 and '"ready"' in state.stdout:
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the node did not become ready: {state.stdout}\n{self.said()}")
            time.sleep(0.2)

    def said(self):
        with open(self.trace + ".said", encoding="utf-8", errors="replace") as file:
            return file.read()

    def kith(self, *arguments):
        """The command line, as an administrator uses it beside the service."""
        return subprocess.run(["chroot", "--userspec=kith:kith", self.chroot.root, "/usr/bin/kith", "--dir", STATE,
                               "--json", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False)

    def node_pid(self):
        return int(self.chroot.read(STATE + "/nodes/n1/pid"))

    def stop(self):
        """As `systemctl stop`; the exit code."""
        os.kill(self.node_pid(), signal.SIGTERM)
        return self.process.wait(READY_PATIENCE_S)

    def end(self):
        """However the test went, nothing of it runs on."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # strace's death alone would let the node go on
            self.process.wait()

    def asked_for(self):
        """The system calls of the node, and the lines of the trace that show them: from where it is the program."""
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        first = next(i for i, line in enumerate(lines) if 'execve("/usr/bin/kith"' in line)
        names = set()
        for line in lines[first:]:
            found = re.match(r"\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", line)
            if found:
                names.add(found[1])
        return names, lines[first:]


class DebianPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise AssertionError("package_deb needs root: it makes a chroot and mounts in it")
        for program in ("debootstrap", "cpack", "dpkg-shlibdeps", "strace", "unshare"):
            if not shutil.which(program):
                raise AssertionError(f"package_deb needs {program}; tools/setup installs it")
        cls.scratch = tempfile.mkdtemp(prefix="kith-deb-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.packages = [make_package(release, os.path.join(cls.scratch, release)) for release in ("1", "2")]
        root = os.path.join(cls.scratch, "root")
        os.mkdir(root)
        os.chmod(cls.scratch, 0o755)
        cls.chroot = Chroot(root)
        cls.addClassCleanup(cls.chroot.close)
        cls.chroot.apt("update")

    def test_it_installs_runs_upgrades_and_purges(self):
        chroot = self.chroot
        self.assertEqual(chroot.named("kith"), ([], []))
        users = {path: chroot.read(path) for path in ("/etc/passwd", "/etc/group")}
        chroot.install(self.packages[0])
        self.check_installed()
        self.assertEqual(chroot.run("systemd-analyze", "verify", "--man=no", UNIT), "")
        chroot.run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", UNIT)
        self.run_twice_around_an_upgrade()

        self.check_container_start()
        chroot.apt("remove", "kith")
        self.assertTrue(os.path.exists(chroot.path(STATE + "/cluster.secret")))
        self.assertFalse(os.path.exists(chroot.path("/usr/bin/kith")))
        chroot.apt("purge", "kith")
        paths, texts = chroot.named("kith")
        self.assertEqual(paths, [])
        # useradd and userdel keep a copy of what was before them: passwd- and the like.
        self.assertEqual([text for text in texts if not text.endswith("-")], [])
        for path, text in users.items():
            self.assertEqual(chroot.read(path), text)

    def check_installed(self):
        chroot = self.chroot
        self.assertIn("0.1", chroot.run("kith", "version"))
        self.assertTrue(os.path.islink(chroot.path("/etc/systemd/system/multi-user.target.wants/kith.service")))
        self.assertIn("kith:x:", chroot.read("/etc/passwd"))
        self.assertFalse(os.path.exists(chroot.path(STATE)), "state is made by the first start")

    def run_twice_around_an_upgrade(self):
        chroot = self.chroot
        for turn, expected in ((1, "1"), (2, "2")):
            service = Service(chroot, os.path.join(self.scratch, f"trace{turn}"))
            try:
                service.start()
                with open(f"/proc/{service.node_pid()}/status", encoding="utf-8") as file:
                    status = file.read()
                uid = chroot.run("id", "-u", "kith").strip()
                self.assertRegex(status, rf"Uid:\t{uid}\t{uid}\t{uid}\t{uid}")
                self.assertRegex(status, "NoNewPrivs:\t1")
                self.assertRegex(status, "CapBnd:\t0+\n")
                if turn == 1:
                    spawned = service.kith("spawn", "counter", "--name", "c")
                    self.assertEqual(spawned.returncode, 0, spawned.stdout)
                else:
                    self.check_settings_are_taken(service)
                added = service.kith("ask", "c", "add", "--json-payload", "1")
                self.assertEqual(added.returncode, 0, added.stdout)
                value = service.kith("ask", "c", "get")
                self.assertEqual(str(json.loads(value.stdout)["json"]), expected, value.stdout)
                self.assertEqual(service.stop(), 0, service.said())
            finally:
                service.end()
            self.check_confinement(service)
            if turn == 1:
                self.upgrade()

    def check_settings_are_taken(self, service):
        """The upgrade kept the settings: the node serves HTTPS, with a certificate of its own making."""
        self.assertTrue(service.settings)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"https://{EDGE}/livez", context=context, timeout=READY_PATIENCE_S) as answer:
            self.assertEqual(answer.status, 200)

    def check_container_start(self):
        """What the image runs: a state directory of its own, with the secret that is mounted for it."""
        chroot = self.chroot
        shutil.rmtree(chroot.path(STATE))
        os.makedirs(chroot.path("/run/secrets"))
        secret = "00112233445566778899aabbccddeeff\n"
        with open(chroot.path("/run/secrets/cluster.secret"), "w", encoding="utf-8") as file:
            file.write(secret)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/packaging/container-start")
        shutil.copy(script, chroot.path("/usr/local/bin/container-start"))
        service = Service(chroot, os.path.join(self.scratch, "trace_container"))
        try:
            service.start("/usr/local/bin/container-start", prepare=())
            self.assertEqual(chroot.read(STATE + "/cluster.secret"), secret)
            self.assertEqual(os.stat(chroot.path(STATE + "/cluster.secret")).st_mode & 0o777, 0o600)
            # The shell has become the node: it is what gets the container's signals.
            with open(f"/proc/{service.node_pid()}/comm", encoding="utf-8") as file:
                self.assertEqual(file.read(), "kith\n")
            self.assertEqual(service.stop(), 0, service.said())
        finally:
            service.end()
            shutil.rmtree(chroot.path("/run/secrets"))

    def upgrade(self):
        settings = self.chroot.path("/etc/kith/kith.env")
        with open(settings, "a", encoding="utf-8") as file:
            file.write(f"KITH_EDGE_LISTEN={EDGE}\n")
        self.chroot.install(self.packages[1])
        version = self.chroot.run("dpkg-query", "-W", "-f", "${Version}", "kith")
        self.assertTrue(version.endswith("-2"), version)
        self.assertIn(f"KITH_EDGE_LISTEN={EDGE}", self.chroot.read("/etc/kith/kith.env"))

    def check_confinement(self, service):
        """What the node asked the kernel for is within what the unit allows."""
        names, lines = service.asked_for()
        allowed = set()
        for value in unit_values(service.unit, "SystemCallFilter"):
            calls = self.calls_of(value.lstrip("~"))
            allowed = allowed - calls if value.startswith("~") else allowed | calls
        self.assertGreater(len(allowed), 100)
        self.assertGreater(len(names), 20, "the trace is no trace of a node")
        denied = sorted(names - allowed)
        self.assertEqual(denied, [], [line for line in lines if any(f" {name}(" in line for name in denied)][:10])
        families = set(unit_values(service.unit, "RestrictAddressFamilies")[0].split())
        self.assertLessEqual(set(re.findall(r"socket\((AF_[A-Z0-9]+)", "\n".join(lines))), families)
        self.assertEqual([line for line in lines if "PROT_WRITE|PROT_EXEC" in line], [])

    def calls_of(self, group):
        """The system calls in a group such as @system-service, groups in it included."""
        if not group.startswith("@"):
            return {group}
        calls = set()
        for line in self.chroot.run("systemd-analyze", "syscall-filter", group).splitlines()[1:]:
            word = line.strip()
            if word and not word.startswith("#"):
                calls |= self.calls_of(word)
        return calls


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
