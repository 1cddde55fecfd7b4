"""Who may include whom: the direction of the folders, the rooms of protocols/, and the one owner that each heavy
dependency has."""
import re
from dataclasses import dataclass

from .tree import Finding

RULES = ("include-direction", "include-room", "include-owner", "include-header", "include-path")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<ours>[^"]+)"|<(?P<system>[^>]+)>)', re.MULTILINE)
ORDER = ("fbs", "runtime", "protocols", "actors", "tools")
FREE = ("examples", "tests")  # may include anything of ours
PROTOCOLS_MAY = tuple("runtime/" + room for room in ("base", "crypto", "identity", "stream", "crdt"))
SHARED_ROOMS = ("protocols/did", "protocols/httpsig", "protocols/proof")


@dataclass
class Owner:
    """Headers that match belong to these folders. `sources_only`: there, but in no header."""
    headers: str
    folders: tuple
    sources_only: bool = False


# The first row that matches decides.
OWNERS = tuple(Owner(re.compile(headers), *rest) for headers, *rest in (
    (r"caf/io/", ("tools/bench/",)),
    (r"caf/", ("actors/", "tools/bench/", "tests/support/")),
    (r"boost/(asio|beast)\b", ("runtime/net/",)),
    (r"boost/json\b", ("runtime/base/", "actors/", "tools/", "tests/"), True),
    (r"openssl/(ssl|tls1|bio|x509)", ("runtime/net/",)),
    (r"openssl/err", ("runtime/crypto/", "runtime/net/")),
    (r"openssl/", ("runtime/crypto/",)),
    (r"sodium(\.h|/)|secp256k1", ("runtime/crypto/",)),
    (r"rocksdb/", ("runtime/store/",)),
    (r"date/", ("runtime/schedule/",)),
    (r"google/protobuf/|.*\.pb\.h$", ("protocols/libp2p/",)),
    (r"raft(\.h|/)", ("actors/consensus/",)),
    (r"spdlog/|prometheus/", ("runtime/observe/",)),
    (r"toml\+\+/", ("runtime/config/",)),
    (r"CLI/", ("tools/",)),
))
# Tests' own libraries: in tests only.
TEST_ONLY = re.compile(r"(catch2|rapidcheck)/|(catch|rapidcheck)\.(hpp|h)$")
# A header for people who write CAF actors themselves may show CAF; that is what it is for.
CAF_FOR_USERS = "actors/include/kith/caf.hpp"


def find_public_headers(tree):
    """<kith/x.hpp> -> where it lies."""
    return {path.split("/include/", 1)[1]: path for path in tree.paths if "/include/kith/" in path}


def check(tree):
    public = find_public_headers(tree)
    for file in tree.cxx:
        blanked = file.code_lines
        for match in INCLUDE.finditer(file.text):
            line = file.text.count("\n", 0, match.start("ours" if match["ours"] else "system")) + 1
            if "#" not in blanked[line - 1]:
                continue  # it stands in a comment or a literal
            header = match["ours"] or match["system"]
            if header.startswith("kith/") and header not in public:
                yield Finding("include-path", file.path, line, f"there is no public header <{header}>")
            elif match["ours"] or header.startswith("kith/"):
                yield from check_ours(file, line, header, public.get(header, header))
            yield from check_owner(file, line, header)


def check_ours(file, line, header, target):
    """An include of Kith's own header, which lies at `target`."""
    folder = target.split("/")[0]
    if folder not in ORDER + FREE:
        why = f'"{header}" is not a path from the repository\'s root'
        yield Finding("include-path", file.path, line, why)
        return
    if file.folder in FREE:
        return
    backwards = folder in ORDER and file.folder in ORDER and ORDER.index(folder) > ORDER.index(file.folder)
    support = target.startswith("tests/support/") and file.is_test
    program = folder == "examples" and file.folder == "tools"  # the kith binary holds the example types
    if backwards or (folder in FREE and not support and not program):
        why = f'{file.folder}/ may not include "{header}" of {folder}/: the direction is {" -> ".join(ORDER)}'
        yield Finding("include-direction", file.path, line, why)
    elif file.folder == "protocols":
        yield from check_room(file, line, header, target)


def check_room(file, line, header, target):
    """A room of protocols/ knows a few rooms of runtime/, the shared rooms and itself."""
    room = "/".join(file.path.split("/")[:2])
    other = "/".join(target.split("/")[:2])
    if target.startswith("runtime/") and "/include/kith/" not in target and other not in PROTOCOLS_MAY:
        rooms = ", ".join(PROTOCOLS_MAY)
        why = f'a protocol does no I/O: of runtime it may include {rooms}, not "{header}"'
        yield Finding("include-room", file.path, line, why)
    elif target.startswith("protocols/") and other != room and other not in SHARED_ROOMS:
        why = f'{room} may not include its sibling "{header}" (only did/, httpsig/ and proof/ are shared)'
        yield Finding("include-room", file.path, line, why)


def check_owner(file, line, header):
    """An include of a heavy dependency."""
    if TEST_ONLY.match(header) and not file.is_test:
        yield Finding("include-owner", file.path, line, f"<{header}> is for tests only")
        return
    owner = next((row for row in OWNERS if row.headers.match(header)), None)
    if owner is None or (file.path == CAF_FOR_USERS and header.startswith("caf/")):
        return
    in_test = owner.sources_only and file.is_test  # tests may read JSON anywhere
    if not file.path.startswith(owner.folders) and not in_test:
        why = f"<{header}> belongs to {', '.join(owner.folders)} and to nobody else"
        yield Finding("include-owner", file.path, line, why)
    elif file.is_public_header:
        why = f"<{header}> must not reach an agent author, who includes this header"
        yield Finding("include-header", file.path, line, why)
    elif owner.sources_only and not file.path.endswith(".cpp"):
        yield Finding("include-header", file.path, line, f"<{header}> may stand in a .cpp file only")
