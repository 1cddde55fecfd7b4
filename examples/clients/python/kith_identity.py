"""Who a client of Kith is and how it proves that: the key and its file, did:key, signed requests, and the delegation by
which a node may keep its mailbox. Everything that docs/API.md says about bytes, but for messages. Needs PyNaCl."""
import base64
import hashlib
import os
import secrets
import stat
import struct
import time

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ED25519_DID = bytes((0xED, 0x01))  # multicodec ed25519-pub
PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")  # of an Ed25519 key (RFC 8410), then its 32 bytes
DID_SIZE_MAX = 127  # so that its size is one byte as a varint; a did:key has 56


class Key:
    """An Ed25519 key, and the DID that it is."""

    def __init__(self, seed):
        self._key = SigningKey(seed)
        self.did = did_of(bytes(self._key.verify_key))

    @classmethod
    def load(cls, path):
        """From a file of PKCS #8 in PEM, as `openssl genpkey -algorithm ed25519` makes it, mode 0600."""
        with open(path, encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise PermissionError(f"{path} must be for its owner alone: chmod 600 {path}")
            lines = file.read(4096).splitlines()
        der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
        if len(der) != len(PKCS8_HEAD) + 32 or not der.startswith(PKCS8_HEAD):
            raise ValueError(f"{path} is not an Ed25519 private key (PKCS #8 in PEM)")
        return cls(der[len(PKCS8_HEAD):])

    @classmethod
    def load_or_make(cls, path):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls.load(path)
        seed = secrets.token_bytes(32)
        body = base64.b64encode(PKCS8_HEAD + seed).decode()
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
            file.flush()
            os.fsync(file.fileno())
        return cls(seed)

    def sign(self, data):
        return self._key.sign(data).signature


def did_of(public_key):
    """The did:key of 32 raw bytes: multicodec and key in base58btc. The first byte is never zero here."""
    number, text = int.from_bytes(ED25519_DID + public_key, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "did:key:z" + text


def public_key_of(did):
    """The 32 raw bytes of a did:key of Ed25519; None if it is anything else."""
    digits = did.removeprefix("did:key:z")
    if digits == did or len(did) > DID_SIZE_MAX or any(d not in BASE58 for d in digits):
        return None
    number = 0
    for digit in digits:
        number = number * 58 + BASE58.index(digit)
    raw = number.to_bytes(DID_SIZE_MAX, "big").lstrip(b"\0")
    return raw[2:] if len(raw) == 34 and raw[:2] == ED25519_DID else None


def signed_by(did, data, signature):
    """Whether the key that this DID is signed the data."""
    key = public_key_of(did)
    try:
        return key is not None and VerifyKey(key).verify(data, signature) == data
    except (BadSignatureError, ValueError):
        return False


def delegation(key, node, expires, epoch=1):
    """The key's own word, to a node's DID: "you speak for me until then" (milliseconds since 1970)."""
    if max(len(key.did), len(node)) > DID_SIZE_MAX:
        raise ValueError("this DID is too long")
    names = b"".join(bytes((len(did),)) + did.encode() for did in (key.did, node))
    fields = b"\x01" + names + struct.pack(">QQ", epoch, expires)
    return fields + key.sign(b"kith.delegation" + fields)


def sign_request(key, method, url, body=b"", created=None):
    """The header fields that say who sends this (RFC 9421, RFC 9530). The node takes them once, and for 5 minutes."""
    covered, headers = [("@method", method), ("@target-uri", url)], {}
    if body:
        headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered.append(("content-digest", headers["Content-Digest"]))
    names = " ".join(f'"{name}"' for name, _ in covered)
    created = int(time.time()) if created is None else created
    parameters = f'({names});created={created};keyid="{key.did}";alg="ed25519";nonce="{secrets.token_urlsafe(16)}"'
    base = "".join(f'"{name}": {value}\n' for name, value in covered) + f'"@signature-params": {parameters}'
    headers["Signature-Input"] = f"kith={parameters}"
    headers["Signature"] = f"kith=:{base64.b64encode(key.sign(base.encode())).decode()}:"
    return headers
