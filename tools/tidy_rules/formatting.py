"""clang-format over every C++ file, two at a time."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .tree import Finding

RULES = ("format",)

BATCH_SIZE = 8  # files a run of clang-format
VIOLATION = re.compile(r'^(?P<path>.+?):(?P<line>\d+):\d+: error: code should be clang-formatted', re.MULTILINE)


def run_batches(tree, arguments):
    paths = [file.path for file in tree.cxx]
    batches = [paths[at:at + BATCH_SIZE] for at in range(0, len(paths), BATCH_SIZE)]

    def run(batch):
        return subprocess.run(["clang-format", *arguments, *batch], cwd=tree.root, text=True, capture_output=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, batches))


def check(tree):
    """The first place of each file that clang-format would change."""
    if not tree.cxx:
        return
    if not shutil.which("clang-format"):
        yield Finding("format", "tools/setup", 1, "clang-format is not installed: run tools/setup")
        return
    for done in run_batches(tree, ["--dry-run", "-Werror"]):
        seen = set()
        for match in VIOLATION.finditer(done.stderr):
            if match["path"] not in seen:
                seen.add(match["path"])
                why = "not as clang-format writes it: run tools/tidy --fix"
                yield Finding("format", match["path"], int(match["line"]), why)
        if done.returncode != 0 and not seen:
            yield Finding("format", ".clang-format", 1, f"clang-format failed: {done.stderr.strip()[:300]}")


def fix(tree):
    """Formats in place and reads the files again."""
    run_batches(tree, ["-i"])
    for file in tree.cxx:
        file.text = (tree.root / file.path).read_text(encoding="utf-8")
        file.cache.clear()
