"""How a file looks: it opens with what it is, has no tabs or trailing spaces, and ends its lines at 100 columns."""
import re

from .tree import CXX, Finding

RULES = ("pragma-once", "opening-comment", "tab", "trailing-space", "columns")

COLUMNS_MAX = 100
SCRIPT_COLUMNS_MAX = 120  # scripts and CMake have no formatter to break lines for them
OPENING = {"c": re.compile(r'\A(//|/\*)\s*\S'), "hash": re.compile(r'\A(#!.*\n)?\s*(#\s*[^\s!]|"""\S|//\s*\S|/\*)')}


def needs_opening(file, paths):
    """All but a test or source whose header beside it has one, and a room's CMakeLists.txt of a few lines."""
    beside = re.sub(r'(\.test)?\.cpp$', ".hpp", file.path)
    if file.is_cxx:
        return file.path.endswith(".hpp") or not (file.is_test or beside in paths)
    return not (file.path.endswith("CMakeLists.txt") and len(file.lines) <= 5)


def check(tree):
    paths = set(tree.paths)
    for file in tree.files:
        like_c = file.path.endswith(CXX + (".fbs", ".proto", ".js", ".mjs")) and not file.text.startswith("#!")
        opening = OPENING["c" if like_c else "hash"]
        if file.text.strip() and needs_opening(file, paths) and not opening.match(file.text):
            yield Finding("opening-comment", file.path, 1, "opens without a comment that says what it is and why")
        if file.path.endswith(".hpp") and "#pragma once" not in file.text:
            yield Finding("pragma-once", file.path, 1, "a header without #pragma once")
        columns_max = COLUMNS_MAX if file.is_cxx else SCRIPT_COLUMNS_MAX
        for number, line in enumerate(file.text.split("\n"), 1):
            if "\t" in line:
                yield Finding("tab", file.path, number, "a tab; indent by spaces")
            if line != line.rstrip():
                yield Finding("trailing-space", file.path, number, "spaces at the end of the line")
            # A line that is one word, such as a URL or a vector, cannot be broken.
            if len(line) > columns_max and " " in line.strip().lstrip("/#* "):
                yield Finding("columns", file.path, number, f"{len(line)} columns; lines end at {columns_max}")
