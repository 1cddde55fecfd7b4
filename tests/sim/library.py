#!/usr/bin/env python3
"""`kith sim` on the agents of shared libraries: one that is right, and one with a fault planted in it, which must be
found, repeated and shrunk to the faults that matter.

    library.py KITH ACCOUNTS_SO CARELESS_SO [unittest's arguments]"""
import json
import subprocess
import sys
import unittest

KITH, ACCOUNTS, CARELESS = sys.argv[1:4]
PATIENCE_S = 240


def sim(*arguments):
    done = subprocess.run([KITH, "sim", *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout, done.stderr


def document(*arguments):
    code, out, err = sim("--json", *arguments)
    assert out, err
    return code, json.loads(out)


class Library(unittest.TestCase):
    def test_the_example_keeps_its_money(self):
        code, said = document("--lib", ACCOUNTS, "--seeds", "20", "--minutes", "0.5")
        self.assertEqual(code, 0, said)
        self.assertEqual((said["scenario"], said["good"], said["seeds"]), ("paying", True, 20))
        self.assertEqual(len(said["runs"]), 20)
        self.assertEqual(said["never_injected"], [])
        self.assertEqual(said["injected"].pop("restore"), 0)  # the scenario does not take them
        self.assertTrue(all(said["injected"].values()), said["injected"])
        self.assertGreater(said["simulated_s"], 20 * 30)
        _, said = document("--lib", ACCOUNTS, "--seeds", "2", "--minutes", "0.3", "--faults", "restore,crash")
        self.assertGreater(said["injected"]["restore"], 0)  # asked for by name, they are in every seed

    def test_a_planted_fault_is_found_and_shrunk_and_plays_again(self):
        code, said = document("--lib", CARELESS, "--seeds", "30")
        self.assertEqual(code, 1, said)
        failed = said["failed"]
        self.assertTrue(failed["repeats"])
        self.assertRegex(failed["broken"][0], r"^\d+ counted of \d+$")
        self.assertEqual(len(failed["least"]["plan"]), 1, failed)
        only = failed["least"]["plan"][0]
        self.assertIn(only, failed["plan"])
        # As it says.
        words = failed["least"]["again"].split()
        self.assertEqual(words[:2], ["kith", "sim"])
        code, out, _ = sim(*words[2:])
        self.assertEqual(code, 1)
        self.assertIn(failed["least"]["broken"][0], out)
        words = failed["again"].split()
        code, again = document(*words[2:])
        self.assertEqual((code, again["failed"]["broken"]), (1, failed["broken"]))
        self.assertEqual(again["runs"][-1]["trace"], said["runs"][-1]["trace"])
        # Without that kind of fault, nothing is wrong.
        code, said = document("--lib", CARELESS, "--seed", str(failed["seed"]), "--faults", "none")
        self.assertEqual((code, said["good"]), (0, True))

    def test_a_person_is_told_the_seed_the_faults_and_how_to_see_it_again(self):
        code, out, err = sim("--lib", CARELESS, "--seeds", "30")
        self.assertEqual(code, 1)
        for text in ("broke, with ", " counted of ", "Of them these are enough:\n  #", "Again: kith sim --lib ",
                     " --only ", "times real time", "injected: crash "):
            self.assertIn(text, out)
        self.assertIn("looking for the faults that matter", err)

    def test_what_makes_no_sense_is_said(self):
        for arguments, text in ((("--lib", CARELESS, "--scenario", "countin"), "did you mean counting?"),
                                (("--lib", CARELESS, "--lib", ACCOUNTS), "say which with --scenario: counting, paying"),
                                (("--faults", "flood"), "there is no kind of fault 'flood'"),
                                (("--log", "--seeds", "2"), "--log goes with one seed"),
                                (("--only", "1", "--seeds", "2"), "--only goes with one seed"),
                                (("--lib", __file__), "bad_library")):
            code, _, err = sim(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn(text, err)

    def test_a_kind_that_never_happens_fails_a_campaign(self):
        code, said = document("--seeds", "20", "--minutes", "0.01", "--nodes", "1")
        self.assertEqual((code, said["good"]), (1, False))
        self.assertIn("partition", said["never_injected"])
        code, said = document("--seeds", "20", "--minutes", "0.01", "--nodes", "1", "--faults", "none")
        self.assertEqual((code, said["good"]), (0, True))

    def test_the_log_shows_what_nodes_say(self):
        code, out, err = sim("--lib", ACCOUNTS, "--log", "--minutes", "0.05", "--nodes", "2")
        self.assertEqual(code, 0, out)
        self.assertTrue(any(line.startswith("n2 ") for line in err.splitlines()), err)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
