"""The files of a tree and their text, read once, with comments and strings blanked where a rule needs that."""
import os
import pathlib
import re
import subprocess
from dataclasses import dataclass, field

CXX = (".cpp", ".hpp")
SCRIPT = (".py", ".sh", ".js", ".mjs")
TEXT = CXX + SCRIPT + (".fbs", ".proto", ".cmake")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}


@dataclass
class Finding:
    """One breach. `key` and `amount` are what the ratchet counts: occurrences in a file, or a length."""
    rule: str
    path: str
    line: int
    why: str
    amount: int = 1
    part: str = ""  # the function, where the rule is about one
    sums: bool = True  # amounts of one key add up; a length stands alone

    @property
    def key(self):
        return (self.rule, self.path + (":" + self.part if self.part else ""))

    def __str__(self):
        return f"{self.path}:{self.line}: {self.why} [{self.rule}]"


@dataclass
class File:
    """A source: its path from the root, its text, and views of it that are made when first asked for."""
    path: str
    text: str
    cache: dict = field(default_factory=dict)

    @property
    def folder(self):
        return self.path.split("/")[0]

    @property
    def is_cxx(self):
        return self.path.endswith(CXX)

    @property
    def is_test(self):
        name = self.path.rsplit("/", 1)[-1]
        return name.endswith(".test.cpp") or name.startswith("test_") or self.folder == "tests"

    @property
    def is_public_header(self):
        return "/include/kith/" in self.path

    @property
    def lines(self):
        return self._once("lines", lambda: self.text.splitlines())

    @property
    def code(self):
        """The C++ text with comments, literals and preprocessor lines blanked; every offset stays the same."""
        return self._once("code", lambda: blank(self.text, preprocessor=True))

    @property
    def code_lines(self):
        """As `code`, but with preprocessor lines kept."""
        return self._once("code_lines", lambda: blank(self.text, preprocessor=False).split("\n"))

    def _once(self, name, make):
        if name not in self.cache:
            self.cache[name] = make()
        return self.cache[name]


LITERALS = re.compile(
    r'//(?:\\\n|[^\n])*'                             # line comment
    r'|/\*.*?\*/'                                    # block comment
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'                          # string
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",         # character, not a digit separator
    re.DOTALL)
PREPROCESSOR = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.MULTILINE)


def blank(text, preprocessor):
    """Replaces what is not code by spaces, newlines kept."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match[0])

    text = LITERALS.sub(spaces, text)
    return PREPROCESSOR.sub(spaces, text) if preprocessor else text


def find_paths(root):
    """What git tracks or would; where there is no git, every file outside of build folders."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode()
        return sorted({path for path in listed.split("\0") if path})
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        found += [str((pathlib.Path(folder) / name).relative_to(root)) for name in names]
    return sorted(found)


def is_source(path, text):
    name = path.rsplit("/", 1)[-1]
    return path.endswith(TEXT) or name == "CMakeLists.txt" or ("." not in name and text.startswith("#!"))


class Tree:
    """Every source under `root`. Files that are no text, or vanish meanwhile, are no sources."""

    def __init__(self, root):
        self.root = root
        self.paths = find_paths(root)
        self.files = []
        for path in self.paths:
            try:
                text = (root / path).read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue
            if is_source(path, text):
                self.files.append(File(path, text))

    @property
    def cxx(self):
        return [file for file in self.files if file.is_cxx]
