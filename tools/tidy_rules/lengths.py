"""Lengths of files and functions. Functions are found by matching braces in blanked text, which is enough for code
that clang-format has been over."""
import re

from .tree import Finding

RULES = ("file-length", "header-length", "function-length")

FILE_LINES_MAX = 400
PUBLIC_HEADER_LINES_MAX = 150
FUNCTION_LINES_MAX = 70

SCOPE = re.compile(r'^(?:\[\[[^\]]*\]\]\s*|(?:inline|static|typedef|constexpr|const|export|friend)\s+)*'
                   r'(?:namespace|class|struct|union|enum|extern)\b')
# `f(int a) : a_` before a brace: an initialiser of a member, not yet the body.
MEMBER_INITIALISER = re.compile(r'\)[^;{}]*[^:]:[^:].*[\w>]\s*$', re.DOTALL)
NAME = re.compile(r'(operator\s*(?:\(\)|[^\s(]+)|~?[A-Za-z_][\w:~<>]*)\s*\(')
KEYWORDS = {"if", "noexcept", "decltype", "requires", "alignas", "explicit", "sizeof"}
TEST_NAME = re.compile(r'(?:TEST_CASE|TEST_CASE_METHOD|SCENARIO)\s*\([^"]*"([^"]*)"')


def check(tree):
    for file in tree.cxx:
        count = len(file.lines)
        if file.is_public_header and count > PUBLIC_HEADER_LINES_MAX:
            why = f"{count} lines; a header that users read ends at {PUBLIC_HEADER_LINES_MAX}"
            yield Finding("header-length", file.path, count, why, count, sums=False)
        elif not file.is_test and count > FILE_LINES_MAX:
            why = f"{count} lines; a file holds one concept and ends at {FILE_LINES_MAX}"
            yield Finding("file-length", file.path, count, why, count, sums=False)
        for name, line, length in find_functions(file):
            if length > FUNCTION_LINES_MAX:
                why = f"{name} has {length} lines; a function ends at {FUNCTION_LINES_MAX}"
                yield Finding("function-length", file.path, line, why, length, name, sums=False)


def skip_template(header):
    """The header without its leading template<...> parameters, whose `class` is no class."""
    while match := re.match(r'\s*template\s*<', header):
        depth, at = 1, match.end()
        while at < len(header) and depth:
            depth += {"<": 1, ">": -1}.get(header[at], 0)
            at += 1
        header = header[at:]
    return header.strip()


def find_end(code, opening):
    """The offset of the brace that closes the one at `opening`; the text's end if none does."""
    depth = 0
    for match in re.compile(r'[{}]').finditer(code, opening):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(code)


def name_of(text):
    """What to call a function whose text up to its brace this is; no spaces, for the ratchet's sake."""
    test = TEST_NAME.search(text)
    if test:
        return re.sub(r'\s+', "_", test[1])
    names = [m[1] for m in NAME.finditer(skip_template(text)) if m[1] not in KEYWORDS]
    return re.sub(r'\s+', "", names[0]) if names else "(unnamed)"


def find_functions(file):
    """(name, first line, lines) of every function at namespace or class scope; lambdas count in theirs."""
    code, begin, at = file.code, 0, 0
    punctuation = re.compile(r'[{};]')
    while match := punctuation.search(code, at):
        at = match.end()
        if match[0] != "{":
            begin = at
            continue
        header = skip_template(code[begin:match.start()])
        if SCOPE.match(header):
            begin = at  # go inside
            continue
        end = find_end(code, match.start())
        at = end + 1
        if MEMBER_INITIALISER.search(header):
            continue  # the header goes on behind it
        if ")" in header:
            first = begin + len(code[begin:]) - len(code[begin:].lstrip())
            first_line = code.count("\n", 0, first) + 1
            last_line = code.count("\n", 0, end) + 1
            yield name_of(file.text[first:match.start()]), first_line, last_line - first_line + 1
        begin = at
