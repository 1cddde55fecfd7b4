"""What a finished change does not leave behind: markers, sleeps, swallowed exceptions, hidden clocks and chance."""
import re

from .tree import Finding

RULES = ("marker", "sleep", "catch-all", "clock")

MARKER = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b|\b(?i:not implemented|unimplemented|placeholder)\b')
SLEEP = re.compile(r'\b(sleep_for|sleep_until|usleep|nanosleep)\b')
CATCH_ALL = re.compile(r'\bcatch\s*\(\s*\.\.\.\s*\)')
CLOCK = re.compile(r'\b(?:system_clock|steady_clock|high_resolution_clock)::now\b'
                   r'|\brandom_device\b|(?<![\w.>])s?rand\s*\(')

SLEEP_IN = ("tests/e2e/", "tests/interop/")
CLOCK_IN = ("runtime/base/", "tools/bench/", "tests/e2e/")
# The rules' own words, and patches that plant defects on purpose.
EXEMPT = ("tools/tidy", "tests/tidy/", "tests/defects/")


def check(tree):
    for file in tree.files:
        if file.path.startswith(EXEMPT):
            continue
        for number, line in enumerate(file.lines, 1):
            if match := MARKER.search(line):
                yield Finding("marker", file.path, number, f"'{match[0]}': finish it, or write an issue")
        if file.is_cxx:
            yield from check_code(file)


def check_code(file):
    for number, line in enumerate(file.code_lines, 1):
        if (match := SLEEP.search(line)) and not file.path.startswith(SLEEP_IN):
            yield Finding("sleep", file.path, number, f"{match[0]}: wait for the event, or use the virtual clock")
        if CATCH_ALL.search(line):
            why = "catch (...) hides what went wrong: name the exception, or argue for it in tools/tidy.ratchet"
            yield Finding("catch-all", file.path, number, why)
        if (match := CLOCK.search(line)) and not file.path.startswith(CLOCK_IN):
            why = f"{match[0].rstrip('(')}: time and chance come in as arguments (runtime/base/clock.hpp, random.hpp)"
            yield Finding("clock", file.path, number, why)
