"""A client of a Kith node, for programs that are not agents of one. It has a key, whose DID is its address, and a
mailbox at the node, which keeps what comes while the program is away. Needs PyNaCl (Debian: python3-nacl).

    client = Client("https://127.0.0.1:8443", Key.load_or_make("me.pem"), ca_file="edge.pem")
    client.register()
    print(client.ask("c", "get").json())
    for message in client.follow():
        print(message.sender, message.kind, message.text)

docs/API.md says what goes over the wire. A client is for one thread at a time; make one for each."""
import base64
import contextlib
import http.client
import json
import logging
import math
import random
import select
import ssl
import time
from urllib.parse import quote, urlsplit

from kith_identity import delegation, sign_request
from kith_message import Message, encoded, new_id

log = logging.getLogger("kith")

PATIENCE_S = 30  # for which a request is tried again
PAUSE_MAX_S = 5  # between tries, unless the node asks for more
SILENCE_MAX_S = 45  # of a stream, then it is opened anew; the node says something every 15 s
UNACKED_MAX = 64  # messages handled and not acknowledged yet, while more keep coming
ANSWER_SIZE_MAX = 64 << 20  # bytes of one answer; what is longer is cut and not understood
EVENT_SIZE_MAX = 32 << 20  # bytes of one line of a stream; a message has at most 16 MiB


class KithError(Exception):
    """The node, or an answer, said no. `code` is for programs, `detail` for people, `status` HTTP's, or 0."""

    def __init__(self, code, detail, status=0, retry_after_s=0):
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.status, self.retry_after_s = code, detail, status, retry_after_s


# What may pass by itself: a node that is busy, stopping or away. A certificate that is not trusted counts too, since
# a node that makes its own makes a new one when it starts, and the file with it may be a moment old.
TROUBLE = (OSError, http.client.HTTPException)


class Busy(KithError):
    """429 or 503: the same request may be taken later."""


class Client:
    """`ca_file` has the certificate to trust; without it the system's are. It is read at each new connection."""

    def __init__(self, url, key, ca_file=None, patience_s=PATIENCE_S):
        self.url, self.key, self.ca_file, self.patience_s = url.rstrip("/"), key, ca_file, patience_s
        self._mailbox = "/api/messages/" + key.did
        self._kept = None  # the connection for all but streams

    def close(self):
        """Ends the connection that is kept between requests. The next request opens another."""
        if self._kept:
            self._kept.close()
            self._kept = None

    def register(self, lifetime_s=30 * 24 * 3600):
        """Sets up this key's mailbox at the node, or renews it: it must be renewed within `lifetime_s`."""
        word = delegation(self.key, self.node()["node"], int((time.time() + lifetime_s) * 1000))
        return self._call("PUT", "/api/mailboxes/" + self.key.did, {"delegation": base64.b64encode(word).decode()})

    def node(self):
        """The node's DID ("node"), name, version and clock."""
        return self._call("GET", "/version")

    def agents(self):
        return self._call("GET", "/api/agents")["agents"]

    def find(self, agent):
        """The DID of an agent, by its name. A DID is taken as it is."""
        return agent if agent.startswith("did:") else self._call("GET", "/api/agents/" + quote(agent, ""))["did"]

    def send(self, to, kind, payload="", *, id=None, wants_answer=False, in_reply_to="", ttl_ms=0):
        """Sends text, bytes, or anything else as JSON. Returns the message's id once the node will not lose it. It is
        tried again under one id, which the node takes once; give an `id` (new_id()) to go on trying later."""
        content_type, raw = encoded(payload)
        m = Message(id or new_id(), self.key.did, self.find(to), kind, content_type, raw, int(time.time() * 1000),
                    ttl_ms, in_reply_to, wants_answer)
        m.signature = self.key.sign(m.signed_content())
        return self._call("POST", "/api/messages", m.to_send())["id"]

    def reply(self, message, payload=""):
        """Answers a message. Who asked gets it as the answer."""
        return self.send(message.sender, message.kind, payload, in_reply_to=message.id)

    def ask(self, to, kind, payload="", *, deadline_s=30):
        """Sends, and returns the answer. KithError "refused", "expired" or "dead": there will be none; TimeoutError:
        none came in time. The answer stays in the mailbox unless it is all that waits there. A program that follows
        its inbox should send() with wants_answer instead, and meet the answer there."""
        until = time.monotonic() + deadline_s
        before = self._call("GET", self._mailbox + "/pending?limit=0")
        id = self.send(to, kind, payload, wants_answer=True, ttl_ms=math.ceil(deadline_s * 1000))
        for message in self.follow(before["newest"], acknowledge=False, until=until):
            if message.in_reply_to == id:
                if message.position == before["acked"] + 1:
                    self.ack(message.position)
                if message.status != "ok":
                    raise KithError(message.status, message.text)
                return message
        raise TimeoutError(f"no answer to {id} within {deadline_s} s")

    def inbox(self, after=0, limit=100):
        """What waits behind a position, oldest first."""
        page = self._call("GET", f"{self._mailbox}/pending?after={after}&limit={limit}")
        return [Message.of(o) for o in page["messages"]]

    def ack(self, upto):
        """Everything up to this position is handled: the node erases it."""
        self._call("POST", self._mailbox + "/ack", {"upto": upto})

    def follow(self, after=0, *, acknowledge=True, until=None):
        """Every message behind `after`, once and in order, what waits and what comes, over any trouble with connection
        and node. A message is handled when the loop asks for the next one, and then acknowledged soon. Whoever leaves
        the loop acknowledges the last by ack(). A program that dies gets again what was not acknowledged; to rule
        that out, keep the position with what you make of it, and begin `after` it. `until` is a time.monotonic()."""
        until = math.inf if until is None else until
        cursor, acked, pauses = after, after, backoff()
        while time.monotonic() < until:
            try:
                with self._stream(cursor, patience(until)) as (response, sock):
                    for position, data in events(response):
                        if time.monotonic() >= until:
                            return
                        if position is not None and position > cursor:
                            yield Message.of(json.loads(data))
                            cursor, pauses = position, backoff()
                        if acknowledge and cursor > acked and (cursor - acked >= UNACKED_MAX or quiet(sock)):
                            self.ack(cursor)
                            acked = cursor
                        sock.settimeout(patience(until))
            except (Busy, *TROUBLE) as trouble:
                log.warning("the stream ended, and is opened again: %s", trouble)
            time.sleep(min(next(pauses), patience(until)))

    @contextlib.contextmanager
    def _stream(self, cursor, silence_s):
        path = self._mailbox + "/events"
        with contextlib.closing(self._connect(silence_s)) as connection:
            connection.connect()
            sock = connection.sock
            headers = {**sign_request(self.key, "GET", self.url + path), "Last-Event-ID": str(cursor)}
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as response:
                refuse_problem(response)
                yield response, sock

    def _call(self, method, path, body=None):
        """One request, tried again while that may help. All requests here may be repeated."""
        raw = b"" if body is None else json.dumps(body).encode()
        end = time.monotonic() + self.patience_s
        for pause in backoff():
            try:
                return self._once(method, path, raw)
            except (Busy, *TROUBLE) as trouble:
                pause = max(pause, getattr(trouble, "retry_after_s", 0))
                if time.monotonic() + pause > end:
                    raise
            time.sleep(pause)

    def _once(self, method, path, raw):
        headers = sign_request(self.key, method, self.url + path, raw)  # anew: a signature is taken once
        if raw:
            headers["Content-Type"] = "application/json"
        connection = self._kept = self._kept or self._connect(self.patience_s)
        try:
            connection.request(method, path, raw or None, headers)
            response = connection.getresponse()
            refuse_problem(response)
            return json.loads(response.read(ANSWER_SIZE_MAX))
        except BaseException:
            self.close()
            raise

    def _connect(self, timeout_s):
        url = urlsplit(self.url)
        if url.scheme == "http":
            return http.client.HTTPConnection(url.netloc, timeout=timeout_s)
        return http.client.HTTPSConnection(url.netloc, timeout=timeout_s,
                                           context=ssl.create_default_context(cafile=self.ca_file))


def patience(until):
    """How long a stream may be silent; 0 would mean for ever."""
    return max(0.001, min(SILENCE_MAX_S, until - time.monotonic()))


def backoff():
    """Pauses in seconds, each up to twice as long; their length is half chance, so that clients do not come at once."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(2 * pause, PAUSE_MAX_S)


def refuse_problem(response):
    """Raises what the node says against a request (a problem document, RFC 9457)."""
    if response.status < 400:
        return
    try:
        said = json.loads(response.read(1 << 16))
        code, detail = said["code"], said.get("detail", "")
    except (ValueError, KeyError, TypeError):  # not the node's own: a proxy's, say
        code, detail = f"http_{response.status}", response.reason
    retry_after = response.headers.get("Retry-After", "")
    kind = Busy if response.status in (429, 503) else KithError
    raise kind(code, detail, response.status, int(retry_after) if retry_after.isdigit() else 0)


def events(response):
    """Server-Sent Events as (position, data), and (None, "") for each sign of life in between."""
    position, name, data = None, "", ""
    while line := response.readline(EVENT_SIZE_MAX):
        field, _, value = line.decode().rstrip("\n").partition(": ")  # a comment has no name before the colon
        if line == b"\n":
            if name == "refused":  # too many follow this mailbox
                raise Busy(data, "the stream was refused", 503)
            yield (position, data) if data else (None, "")
            position, name, data = None, "", ""
        elif field == "id":
            position = int(value)
        elif field == "event":
            name = value
        elif field == "data":
            data = value


def quiet(sock):
    """Whether nothing more has come yet."""
    pending = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
    return not pending and not select.select([sock], [], [], 0)[0]
