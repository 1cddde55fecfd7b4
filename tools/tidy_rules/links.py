"""Links between the documents: what a Markdown file points at inside this tree is there, headings included."""
import posixpath
import re
import urllib.parse

from .tree import Finding

RULES = ("link",)

LINK = re.compile(r'\[[^\]\n]*\]\(<?([^)>\s]+)>?\)')
OUTSIDE = re.compile(r'[a-z][a-z0-9+.-]*:')  # a scheme
FENCE = re.compile(r'^\s*(```|~~~)')
HEADING = re.compile(r'^#{1,6} +(.*?) *#*$')


def prose(text):
    """The lines, with blocks of code and code spans blanked."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield number, re.sub(r'`[^`]*`', "", line)


def anchors(text):
    """What GitHub makes of a file's headings."""
    found = set()
    for line in text.splitlines():
        if match := HEADING.match(line):
            plain = re.sub(r'[^\w\- ]', "", match[1].lower())
            found.add(plain.replace(" ", "-"))
    return found


def check(tree):
    there = set(tree.paths).union(*(parents(path) for path in tree.paths))
    for path in (path for path in tree.paths if path.endswith(".md")):
        try:
            text = (tree.root / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        for number, line in prose(text):
            for match in LINK.finditer(line):
                if not OUTSIDE.match(match[1]) and (why := broken(tree, there, path, match[1])):
                    yield Finding("link", path, number, why)


def parents(path):
    while path := posixpath.dirname(path):
        yield path


def broken(tree, there, path, target):
    """Why the link leads nowhere; empty if it does not."""
    file, _, anchor = urllib.parse.unquote(target).partition("#")
    to = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    if to not in there and to != ".":
        return f"{target}: there is no {to}"
    if anchor and to.endswith(".md") and anchor not in anchors((tree.root / to).read_text(encoding="utf-8")):
        return f"{target}: {to} has no such heading"
    return ""
