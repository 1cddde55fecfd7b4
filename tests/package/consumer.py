#!/usr/bin/env python3
"""Somebody else's project on an installed Kith: installs a build into a prefix, moves that, builds
tests/package/consumer against it, runs its tests, and runs its program as a node. It may read no source of Kith.

    consumer.py BUILD_DIRECTORY [unittest's arguments]"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PATIENCE_S = 240
# What no author of an agent has to have read by a compiler.
HEAVY = ("/caf/", "/boost/", "/rocksdb/", "/openssl/", "/sodium", "/secp256k1", "/google/protobuf/", "/flatbuffers/",
         "/spdlog/", "/CLI/", "/toml++/")


def run(*command, **options):
    """The standard output; fails with all that was said unless the command succeeds."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
                          **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def files_below(directory):
    return [os.path.join(at, name) for at, _, names in os.walk(directory) for name in names]


class Consumer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="kith-consumer-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.prefix = os.path.join(cls.scratch, "there")
        cls.build = os.path.join(cls.scratch, "build")
        before = os.path.join(cls.scratch, "here")
        run("cmake", "--install", BUILD, "--prefix", before)
        os.rename(before, cls.prefix)  # what is installed may be moved
        project = os.path.join(cls.scratch, "project")
        shutil.copytree(os.path.join(HERE, "consumer"), project)
        run("cmake", "-S", project, "-B", cls.build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            "-DCMAKE_BUILD_TYPE=Debug")
        run("cmake", "--build", cls.build)

    def test_the_prefix_holds_program_headers_archives_and_a_package_that_names_no_source(self):
        there = {os.path.relpath(path, self.prefix) for path in files_below(self.prefix)}
        for wanted in ("bin/kith", "include/kith/kith.hpp", "include/kith/test.hpp", "include/kith/client.hpp",
                       "include/kith/simulation.hpp",
                       "include/kith-internal/runtime/base/result.hpp"):
            self.assertIn(wanted, there)
        self.assertEqual({os.path.basename(path) for path in there if path.endswith(".a")},
                         {"libkith.a", "libkith_agent.a"})
        for path in files_below(self.prefix):
            if path.endswith((".cmake", ".hpp")):
                with open(path, encoding="utf-8") as file:
                    self.assertNotIn(SOURCE, file.read(), path)
        self.assertIn("0.1", run(os.path.join(self.prefix, "bin/kith"), "version"))

    def test_a_later_minor_version_is_not_this_one(self):
        project = os.path.join(self.scratch, "later")
        os.mkdir(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(later LANGUAGES NONE)\n"
                       "find_package(kith 0.2 REQUIRED)\n")
        with self.assertRaisesRegex(AssertionError, "kith-config.cmake, version: 0.1"):
            run("cmake", "-S", project, "-B", project + "-build", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_the_consumer_reads_no_source_of_kith_and_no_header_of_what_kith_stands_on(self):
        read = run("ninja", "-C", self.build, "-t", "deps")
        self.assertIn(os.path.join(self.prefix, "include/kith/kith.hpp"), read)
        self.assertNotIn(SOURCE + os.sep, read)
        for heavy in HEAVY:
            self.assertNotIn(heavy, read)

    def test_the_consumers_own_tests_pass(self):
        said = run("ctest", "--test-dir", self.build, "--output-on-failure", "--no-tests=error")
        self.assertIn("100% tests passed, 0 tests failed out of 2", said)

    def test_the_consumers_program_is_a_node_with_its_agent(self):
        state = os.path.join(self.scratch, "state")

        def program(*arguments):
            return run(os.path.join(self.build, "thermostat"), "--dir", state, "--json", *arguments)

        program("init")
        program("up", "--detach")
        try:
            program("spawn", "thermostat", "--name", "t")
            reading = json.dumps({"room": "hall", "celsius": 12.5})
            answer = json.loads(program("ask", "t", "report", "--json-payload", reading))
            self.assertEqual(answer["text"], "heat hall")
            self.assertEqual(json.loads(program("ask", "t", "coldest"))["json"], 12.5)
        finally:
            program("stop")
        self.assertEqual(os.listdir(os.path.join(state, "nodes")), ["n1"])
        self.assertFalse(os.path.exists(os.path.join(state, "nodes/n1/pid")))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
