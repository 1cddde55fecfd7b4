"""One message of Kith: what a sender signs of it, and how it stands in JSON."""
import base64
import json
import secrets
import struct
import time
from dataclasses import dataclass

from kith_identity import signed_by


@dataclass
class Message:
    id: str
    sender: str
    to: str
    kind: str
    content_type: str
    payload: bytes
    created: int  # milliseconds since 1970
    ttl_ms: int = 0  # 0: it never expires
    in_reply_to: str = ""
    wants_answer: bool = False
    status: str = ""  # of an answer: ok, refused, expired or dead
    position: int = 0  # in the mailbox, ascending
    signature: bytes = b""  # the sender's own, if it is not an agent

    @classmethod
    def of(cls, o):
        """As it stands in a mailbox."""
        payload = o["text"].encode() if "text" in o else base64.b64decode(o["base64"])
        return cls(o["id"], o["from"], o["to"], o["kind"], o["content_type"], payload, o["created"],
                   o.get("ttl_ms", 0), o.get("in_reply_to", ""), o.get("wants_answer", False), o.get("status", ""),
                   o["position"], base64.b64decode(o.get("signature", "")))

    def to_send(self):
        """As POST /api/messages takes it; the payload as base64, so that it is signed as it is sent."""
        o = {"id": self.id, "to": self.to, "kind": self.kind, "content_type": self.content_type,
             "base64": base64.b64encode(self.payload).decode(), "created": self.created, "ttl_ms": self.ttl_ms,
             "wants_answer": self.wants_answer, "signature": base64.b64encode(self.signature).decode()}
        return {**o, "in_reply_to": self.in_reply_to} if self.in_reply_to else o

    @property
    def text(self):
        return self.payload.decode()

    def json(self):
        return json.loads(self.payload)

    def signed_content(self):
        """What the sender signs: each part behind its size (docs/API.md, "Signed content")."""
        parts = ("kith message 1", self.id, self.sender, self.to, self.kind, self.content_type, self.payload,
                 str(self.created), str(self.ttl_ms), self.in_reply_to, "1" if self.wants_answer else "0")
        raw = [part if isinstance(part, bytes) else part.encode() for part in parts]
        return b"".join(struct.pack(">I", len(part)) + part for part in raw)

    def signed_by_sender(self):
        """Whether the sender itself vouches for it. False for an agent's message: its node vouches for that."""
        return signed_by(self.sender, self.signed_content(), self.signature)


def encoded(payload):
    """The media type of a payload, and its bytes."""
    if isinstance(payload, str):
        return "text/plain", payload.encode()
    if isinstance(payload, bytes):
        return "application/octet-stream", payload
    return "application/json", json.dumps(payload).encode()


def new_id():
    """A UUIDv7 (RFC 9562): the time in milliseconds, then chance."""
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (7 << 76)
    value = (value & ~(3 << 62)) | (2 << 62)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
