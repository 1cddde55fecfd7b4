#!/usr/bin/python3
"""The container files and the package's scripts, as far as they can be checked without running them: their syntax, and
that the files, stages, secrets, volumes and settings which they name are there. Debian's python3-yaml is needed.

    syntax.py REPOSITORY [unittest's arguments]"""
import json
import os
import re
import shlex
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.abspath(sys.argv[1])
PACKAGING = os.path.join(ROOT, "tools/packaging")
INSTRUCTIONS = {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN",
                "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
SECTIONS = {"name", "services", "volumes", "secrets", "networks", "configs"}
SERVICE_KEYS = {"image", "build", "secrets", "restart", "read_only", "tmpfs", "cap_drop", "security_opt",
                "stop_grace_period", "hostname", "environment", "volumes", "ports"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def instructions(text):
    """(name, the rest) of each instruction of a Containerfile; lines that end in a backslash go on."""
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in filter(str.strip, re.sub(r"\\\n", " ", text).splitlines()):
        name, _, rest = line.strip().partition(" ")
        yield name, rest.strip()


def settings_of_the_environment():
    """The names that a node takes from its environment."""
    table = read("runtime/config/keys.cpp")
    keys = re.findall(r'^ +\{"([a-z_]+\.[a-z_.]+)", (?:text|integer|boolean|list)', table, re.M)
    return {"KITH_" + key.upper().replace(".", "_") for key in keys}


def shell_complaint(script):
    """What the shell says of a script that it only reads."""
    return subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, timeout=60, check=False).stderr


class Packaging(unittest.TestCase):
    def test_scripts_are_scripts(self):
        for name in ("postinst", "prerm", "postrm", "container-start"):
            self.assertEqual(shell_complaint(read(f"tools/packaging/{name}")), "", name)
            self.assertTrue(os.access(os.path.join(PACKAGING, name), os.X_OK), name)

    def test_the_settings_offered_are_settings(self):
        known = settings_of_the_environment()
        self.assertGreater(len(known), 20)
        offered = re.findall(r"^#?(KITH_[A-Z_]+)=", read("tools/packaging/kith.env"), re.M)
        self.assertGreater(len(offered), 3)
        self.assertLessEqual(set(offered), known)

    def test_the_containerfile_names_instructions_files_and_stages_that_are_there(self):
        stages = set()
        seen = list(instructions(read("tools/packaging/Containerfile")))
        self.assertEqual(seen[0][0], "FROM")
        for name, rest in seen:
            self.assertIn(name, INSTRUCTIONS)
            self.assertTrue(rest, name)
            if name == "FROM":
                self.assertRegex(rest, r"^[a-z0-9./:-]+( AS [a-z]+)?$")
                stages |= set(re.findall(r" AS (\w+)$", rest))
            if name == "RUN":
                self.assertEqual(shell_complaint(rest), "", rest)
            if name in ("ENTRYPOINT", "CMD"):
                self.assertTrue(all(isinstance(word, str) for word in json.loads(rest)))
            if name == "HEALTHCHECK":
                json.loads(rest.partition(" CMD ")[2])
            if name == "COPY":
                self.check_copy(rest, stages)
        self.assertEqual([name for name, _ in seen].count("ENTRYPOINT"), 1)

    def check_copy(self, rest, stages):
        words = shlex.split(rest)
        flags = [word for word in words if word.startswith("--")]
        sources = [word for word in words if not word.startswith("--")][:-1]
        self.assertTrue(sources, rest)
        for flag in flags:
            self.assertIn(re.fullmatch(r"--from=(\w+)", flag)[1], stages)
        if not flags:
            for source in sources:
                self.assertTrue(os.path.exists(os.path.join(ROOT, source)), source)

    def test_the_compose_file_has_three_nodes_with_settings_volumes_and_secrets_that_are_there(self):
        compose = yaml.safe_load(read("tools/packaging/compose.yaml"))
        self.assertLessEqual({key for key in compose if not key.startswith("x-")}, SECTIONS)
        known = settings_of_the_environment()
        services = compose["services"]
        self.assertEqual(len(services), 3)
        for name, service in services.items():
            self.assertLessEqual(set(service), SERVICE_KEYS)
            self.assertLessEqual(set(service["environment"]), known)
            self.assertEqual(service["hostname"], name)
            self.assertEqual(service["environment"]["KITH_LINK_ADVERTISE"], f"{name}:4711")
            seeds = service["environment"]["KITH_CLUSTER_SEEDS"].split(",")
            self.assertEqual(sorted(seeds), sorted(f"{other}:4711" for other in services if other != name))
            for volume in service["volumes"]:
                self.assertIn(volume.split(":")[0], compose["volumes"])
            for secret in service["secrets"]:
                self.assertIn(secret["source"], compose["secrets"])
                self.assertIn("/run/secrets/" + secret["target"], read("tools/packaging/container-start"))
            context = os.path.normpath(os.path.join(PACKAGING, service["build"]["context"]))
            self.assertEqual(context, ROOT)
            self.assertTrue(os.path.exists(os.path.join(context, service["build"]["dockerfile"])))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
