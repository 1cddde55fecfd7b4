#!/usr/bin/python3
"""The clients of examples/clients against a real node over TLS, which is killed now and then.

    clients.py KITH NODE_JS [unittest's arguments]

Both clients have the same command line (talk), so that each test is run with either. What the wire refuses is tried
with requests that either one signed and this test sends, changed or twice."""
import base64
import contextlib
import http.client
import itertools
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True  # a source tree stays as it is
HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "../../../examples/clients")
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(EXAMPLES, "python")]
from cluster import Cluster, die_with_us, wait_until  # noqa: E402
from kith_client import Client  # noqa: E402
from kith_identity import Key, delegation, sign_request, signed_by  # noqa: E402
from kith_message import Message, new_id  # noqa: E402

KITH, NODE_JS = sys.argv[1], os.path.abspath(sys.argv[2])
TYPESCRIPT = [NODE_JS, "--disable-warning=ExperimentalWarning"]
TALK = {"python": ["/usr/bin/python3", os.path.join(EXAMPLES, "python/talk.py")],
        "typescript": [*TYPESCRIPT, os.path.join(EXAMPLES, "typescript/talk.ts")]}
OTHER = {"python": "typescript", "typescript": "python"}
RUN_TIME_MAX_S = 60


with open(os.path.join(HERE, "../../../docs/API.md"), encoding="utf-8") as document:
    API = document.read()
DOCUMENTED = Key(bytes(range(32)))  # the key of the document's examples


def signature_in(pattern):
    return base64.b64decode(re.search(pattern, API)[1])


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_TIME_MAX_S,
                          preexec_fn=die_with_us, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def probe(what, **given):
    """A part of the TypeScript client by itself."""
    done = run(*TYPESCRIPT, os.path.join(HERE, "probe.ts"), what, json.dumps(given))
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Edge:
    """A node with an open edge, on the same port whenever it starts, and a counter that is called c."""

    def __init__(self, *settings):
        self.port, self.clients = free_port(), []
        self.url = f"https://127.0.0.1:{self.port}"
        self.cluster = Cluster(KITH, 1, (f"edge.listen=127.0.0.1:{self.port}", "edge.mailboxes=open", *settings),
                               label="kith-e2e-clients")

    def __enter__(self):
        self.cluster.__enter__()
        try:
            self.node = self.cluster["n1"]
            self.ca = os.path.join(self.node.dir, "edge.pem")
            self.cluster.start()
            self.cluster.spawn("counter", "c", "n1")
        except BaseException:
            self.cluster.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *why):
        for client in self.clients:
            client.close()
        self.cluster.__exit__(*why)

    def kill(self):
        self.node.kill()

    def restart(self):
        self.node.start()
        self.cluster.wait_ready()

    def count(self):
        return self.cluster.ask("c", "get")

    def key_file(self, name):
        return os.path.join(self.cluster.dir, name + ".pem")

    def client(self, name, lifetime_s=3600, **more):
        """In Python, in this process, with a mailbox."""
        client = Client(self.url, Key.load_or_make(self.key_file(name)), ca_file=self.ca, **more)
        self.clients.append(client)
        client.register(lifetime_s)
        return client

    def command(self, language, name, *arguments):
        return [*TALK[language], "--url", self.url, "--ca", self.ca, "--key", self.key_file(name), *arguments]

    def talk(self, language, name, *arguments, code=0):
        """What a client's command line prints, as documents; with another exit code, its stderr."""
        done = run(*self.command(language, name, *arguments))
        if done.returncode != code:
            raise AssertionError(f"{language} {arguments}: {done.returncode}: {done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()] if code == 0 else done.stderr

    @contextlib.contextmanager
    def following(self, language, name, *arguments):
        """A client that follows; gives a function that returns what it has printed so far."""
        path = os.path.join(self.cluster.dir, f"{name}-{time.monotonic_ns()}.follow")
        with open(path, "wb") as out, open(path + ".err", "wb") as err:
            process = subprocess.Popen(self.command(language, name, "follow", *arguments), stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, preexec_fn=die_with_us)

        def printed():
            with open(path, "rb") as file:  # read once: a line that is being written is not read in two parts
                whole = file.read().split(b"\n")[:-1]
            if process.poll():
                with open(path + ".err", encoding="utf-8") as file:
                    raise AssertionError(f"the follower ended with {process.returncode}: {file.read()}")
            return [json.loads(line) for line in whole]
        try:
            yield printed
        finally:
            process.kill()
            process.wait()

    def raw_answer(self, method, path, headers, body=b""):
        """One request as it is given: status, headers and body of the answer."""
        trust = ssl.create_default_context(cafile=self.ca)
        with contextlib.closing(http.client.HTTPSConnection(f"127.0.0.1:{self.port}", context=trust)) as connection:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def answer(self, *request):
        status, headers, body = self.raw_answer(*request)
        return status, headers, json.loads(body)

    def metric(self, name):
        """0 if it is not there (yet)."""
        lines = self.raw_answer("GET", "/metrics", {})[2].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " "))


class BothClients:
    """With either client. Subclasses say which."""
    language = ""

    def signed(self, edge, name, method, url, body=b"", created=None):
        """The header fields of a request that this client signs."""
        if self.language == "python":
            return sign_request(Key.load(edge.key_file(name)), method, url, body, created)
        given = {"key": edge.key_file(name), "method": method, "url": url, "body": body.decode()}
        return probe("request", **given, **({} if created is None else {"created": created}))

    def test_a_key_is_made_once_for_its_owner_alone_and_either_client_reads_it(self):
        with Edge() as edge:
            [made] = edge.talk(self.language, "me", "did")
            self.assertEqual(stat.S_IMODE(os.stat(edge.key_file("me")).st_mode), 0o600)
            self.assertEqual(edge.talk(self.language, "me", "did"), [made])
            self.assertEqual(edge.talk(OTHER[self.language], "me", "did"), [made])
            os.chmod(edge.key_file("me"), 0o640)
            self.assertIn("chmod 600", edge.talk(self.language, "me", "did", code=1))
            openssl = edge.key_file("openssl")
            os.close(os.open(openssl, os.O_CREAT, 0o600))
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", openssl], check=True)
            self.assertEqual(edge.talk(self.language, "openssl", "register")[0]["did"], Key.load(openssl).did)

    def test_it_registers_tells_asks_and_gets_the_answer(self):
        with Edge() as edge:
            refused = edge.talk(self.language, "me", "ask", "c", "get", code=1)
            self.assertIn("unknown_mailbox", refused)
            [mailbox] = edge.talk(self.language, "me", "register")
            self.assertEqual(mailbox["epoch"], 1)
            self.assertEqual(edge.talk(self.language, "me", "register")[0]["did"], mailbox["did"])  # renewed
            [card] = edge.talk(self.language, "me", "agents")
            self.assertEqual((card["name"], card["type"]), ("c", "counter"))
            id = new_id()
            for _ in range(3):  # the same message
                self.assertEqual(edge.talk(self.language, "me", "send", "c", "add", "--json", "5", "--id", id),
                                 [{"id": id}])
            self.assertEqual(edge.talk(self.language, "me", "ask", "c", "add", "--json", "2"), [7])
            self.assertEqual(edge.talk(self.language, "me", "ask", card["did"], "get"), [7])
            self.assertIn("refused", edge.talk(self.language, "me", "ask", "c", "add", "five", code=1))
            self.assertIn("unknown_agent", edge.talk(self.language, "me", "ask", "nobody", "get", code=1))
            self.assertEqual(edge.talk(self.language, "me", "inbox"), [])  # each answer was all that waited

    def test_an_answer_that_does_not_come_ends_with_the_deadline(self):
        with Edge() as edge:
            silent = edge.client("silent").key.did
            edge.talk(self.language, "me", "register")
            said = edge.talk(self.language, "me", "ask", silent, "hm", "--deadline", "2", code=1)
            self.assertIn("no answer to", said)

    def test_one_client_asks_the_other_which_replies(self):
        with Edge() as edge:
            [me] = edge.talk(self.language, "me", "register")
            [you] = edge.talk(OTHER[self.language], "you", "register")
            edge.talk(OTHER[self.language], "you", "send", me["did"], "note", "first: grüße, 日本")
            asking = subprocess.Popen(edge.command(self.language, "me", "ask", you["did"], "age", "how old?"),
                                      stdout=subprocess.PIPE, text=True, preexec_fn=die_with_us)
            [asked] = wait_until("the question", lambda: edge.talk(OTHER[self.language], "you", "inbox"))
            self.assertEqual((asked["from"], asked["kind"], asked["text"]), (me["did"], "age", "how old?"))
            self.assertTrue(asked["wants_answer"] and asked["signed_by_sender"])
            edge.talk(OTHER[self.language], "you", "reply", asked["id"], "--json", '{"years": 4}')
            self.assertEqual(json.loads(asking.communicate(timeout=RUN_TIME_MAX_S)[0]), {"years": 4})
            note, answer = edge.talk(self.language, "me", "inbox")  # something waited: the answer stayed behind it
            self.assertEqual((note["text"], note["signed_by_sender"]), ("first: grüße, 日本", True))
            self.assertEqual((answer["in_reply_to"], answer["status"]), (asked["id"], "ok"))
            edge.talk(self.language, "me", "ack", str(answer["position"]))
            self.assertEqual(edge.talk(self.language, "me", "inbox"), [])

    def test_following_loses_and_doubles_nothing_while_the_node_is_killed(self):
        notes, asks, kills = 150, 60, 4
        with Edge() as edge:
            edge.talk(self.language, "me", "register")
            sender, myself = edge.client("sender", patience_s=120), edge.client("me", patience_s=120)
            me = myself.key.did
            counter = myself.find("c")
            with edge.following(self.language, "me") as printed:
                sends = [threading.Thread(target=job, daemon=True) for job in (
                    lambda: [sender.send(me, "note", n) for n in range(notes)],
                    lambda: [myself.send(counter, "add", 1, wants_answer=True) for _ in range(asks)])]
                for thread in sends:
                    thread.start()
                for kill in range(1, kills + 1):
                    enough = kill * (notes + asks) // (kills + 2)
                    wait_until(f"{enough} messages", lambda enough=enough: len(printed()) >= enough)
                    edge.kill()
                    edge.restart()
                for thread in sends:
                    thread.join()
                wait_until("all messages", lambda: len(printed()) >= notes + asks)
                edge.kill()
                edge.restart()  # and nothing comes again
                last = sender.send(me, "note", "the end")
                wait_until("the last message", lambda: printed()[-1]["id"] == last)
                wait_until("the acknowledgement", lambda: not myself.inbox())
                got = printed()
            self.assertEqual([m["json"] for m in got[:-1] if m["from"] == sender.key.did], list(range(notes)))
            self.assertEqual([m["json"] for m in got if m["from"] == counter], list(range(1, asks + 1)))
            self.assertEqual([m["position"] for m in got], list(range(1, notes + asks + 2)))
            self.assertEqual(edge.count(), asks)
            # What was acknowledged is not there any more, for a new follower of a node that was killed, either.
            edge.kill()
            edge.restart()
            after = sender.send(me, "note", "after the end")
            [only] = edge.talk(self.language, "me", "follow", "--count", "1")
            self.assertEqual((only["id"], only["position"]), (after, notes + asks + 2))

    def test_a_request_to_a_node_that_is_down_waits_for_it(self):
        with Edge() as edge:
            edge.talk(self.language, "me", "register")
            edge.kill()
            asking = subprocess.Popen(edge.command(self.language, "me", "ask", "c", "add", "--json", "3"),
                                      stdout=subprocess.PIPE, text=True, preexec_fn=die_with_us)
            with self.assertRaises(subprocess.TimeoutExpired):
                asking.wait(1.5)
            edge.restart()
            self.assertEqual(asking.communicate(timeout=RUN_TIME_MAX_S)[0].strip(), "3")
            edge.kill()
            said = edge.talk(self.language, "me", "--patience", "1", "ask", "c", "get", code=1)
            self.assertRegex(said, "(?i)refused")

    def test_too_many_requests_are_slowed_down_and_each_arrives_once(self):
        count = 20
        with Edge("edge.writes_per_s=5") as edge:
            me = edge.client("me")
            if self.language == "python":
                for _ in range(count):
                    me.send("c", "add", 1)
            else:
                probe("burst", url=edge.url, ca=edge.ca, key=edge.key_file("me"), to="c", count=count)
            self.assertGreater(edge.metric('kith_edge_refused_total{why="rate_limited"}'), 0)
            wait_until("the sum", lambda: edge.count() >= count)
            self.assertEqual(edge.count(), count)

    def test_a_node_whose_certificate_is_not_trusted_is_not_spoken_to(self):
        with Edge() as edge:
            other = os.path.join(edge.cluster.dir, "other.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=other", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", os.devnull, "-out", other],
                           check=True, capture_output=True)
            said = edge.talk(self.language, "me", "--patience", "1", "--ca", other, "register", code=1)
            self.assertRegex(said, "(?i)certificate|self-signed")

    def test_what_is_signed_is_taken_once_and_as_it_was_signed(self):
        with Edge() as edge:
            me, you = edge.client("me"), edge.client("you")
            path, now = f"/api/messages/{me.key.did}/ack", int(time.time())
            body = b'{"upto":0}'

            def refused(status, code, method, to, headers, sent=b""):
                got, fields, problem = edge.answer(method, to, headers, sent)
                self.assertEqual((got, problem["code"], problem["status"]), (status, code, status), problem)
                self.assertEqual(fields["Content-Type"], "application/problem+json")
                self.assertTrue(problem["detail"])
                if status == 401:
                    self.assertIn("Signature", fields["WWW-Authenticate"])

            sign = lambda *a, **k: self.signed(edge, "me", "POST", *a, **k)
            good = sign(edge.url + path, body)
            self.assertEqual(edge.answer("POST", path, good, body)[0], 200)
            refused(401, "replayed", "POST", path, good, body)
            refused(401, "digest_wrong", "POST", path, sign(edge.url + path, body), b'{"upto":1}')
            refused(401, "signature_wrong", "POST", path, sign(edge.url + path + "?x=1", body), body)
            refused(401, "signature_wrong", "POST", path, sign("https://example.org" + path, body), body)
            refused(401, "signature_wrong", "GET", path.replace("ack", "pending"),
                    sign(edge.url + path.replace("ack", "pending")))
            forged = sign(edge.url + path, body)
            forged["Signature"] = "kith=:" + base64.b64encode(bytes(64)).decode() + ":"
            refused(401, "signature_wrong", "POST", path, forged, body)
            stolen = sign(edge.url + path, body)  # somebody else's name on it
            stolen["Signature-Input"] = stolen["Signature-Input"].replace(me.key.did, you.key.did)
            refused(401, "signature_wrong", "POST", path, stolen, body)
            refused(401, "signature_too_old", "POST", path, sign(edge.url + path, body, created=now - 400), body)
            refused(401, "signature_from_future", "POST", path, sign(edge.url + path, body, created=now + 300), body)
            bare = sign(edge.url + path)
            refused(401, "digest_missing", "POST", path, bare, body)
            refused(401, "signature_missing", "POST", path, {}, body)
            refused(401, "token_wrong", "POST", path, {"Authorization": "Bearer 1"}, body)
            theirs = f"/api/messages/{you.key.did}/pending"
            refused(403, "not_yours", "GET", theirs, self.signed(edge, "me", "GET", edge.url + theirs))
            self.assertEqual(edge.count(), 0)

    def test_a_message_is_refused_unless_its_sender_signed_all_of_it(self):
        with Edge() as edge:
            me, you = edge.client("me"), edge.client("you")
            sent = Message(new_id(), me.key.did, me.find("c"), "add", "application/json", b"5", int(time.time() * 1000))

            def post(document):
                body = json.dumps(document).encode()
                status, _, said = edge.answer("POST", "/api/messages",
                                              self.signed(edge, "me", "POST", edge.url + "/api/messages", body), body)
                return status, said.get("code")

            sent.signature = me.key.sign(sent.signed_content())
            for changed in ({"kind": "reset"}, {"base64": "NTA="}, {"ttl_ms": 1}, {"wants_answer": True},
                            {"created": sent.created + 1}, {"to": you.key.did}, {"in_reply_to": new_id()},
                            {"id": new_id()}, {"content_type": "text/plain"}, {"signature": ""}):
                status, code = post({**sent.to_send(), **changed})
                wanted = (400, "bad_message") if changed == {"signature": ""} else (401, "message_signature_wrong")
                self.assertEqual((status, code), wanted, changed)
            sent.signature = you.key.sign(sent.signed_content())
            self.assertEqual(post(sent.to_send()), (401, "message_signature_wrong"))
            self.assertEqual(post({**sent.to_send(), "from": you.key.did}), (403, "not_yours"))
            self.assertEqual(edge.count(), 0)
            sent.signature = me.key.sign(sent.signed_content())
            self.assertEqual(post(sent.to_send()), (202, None))
            wait_until("the sum", lambda: edge.count() == 5)


    def test_a_sender_whose_delegation_has_ended_is_refused_until_it_is_renewed(self):
        with Edge() as edge:
            you, short = edge.client("you"), edge.client("short", lifetime_s=1)
            you.send(short.key.did, "note", "it may still read this")
            time.sleep(1.1)
            refused = edge.talk(self.language, "short", "send", you.key.did, "note", code=1)
            self.assertIn("delegation_expired", refused)
            self.assertEqual([m["kind"] for m in edge.talk(self.language, "short", "inbox")], ["note"])
            edge.talk(self.language, "short", "register")
            edge.talk(self.language, "short", "send", you.key.did, "note")


class Python(BothClients, unittest.TestCase):
    language = "python"


class TypeScript(BothClients, unittest.TestCase):
    language = "typescript"

    def test_its_types_are_right(self):
        done = run(NODE_JS, os.path.join(HERE, "node_modules/typescript/bin/tsc"), "--project",
                   os.path.join(EXAMPLES, "typescript"), "--typeRoots", os.path.join(HERE, "node_modules/@types"),
                   "--types", "node")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Same(unittest.TestCase):
    """What both clients make of the same things, byte for byte."""

    def test_signed_content_is_that_of_the_vector_in_the_document(self):
        # Of runtime/stream/envelope.test.cpp, written out in docs/API.md.
        fields = {"id": "11111111-1111-1111-1111-111111111111", "sender": "did:a:b", "to": "did:c:d", "kind": "k",
                  "content_type": "text/plain", "payload": "hi", "created": 1700000000123, "wants_answer": True}
        wanted = bytes.fromhex(re.search("```\n(0000000e [0-9a-f\\s]+)```", API)[1])
        self.assertEqual(Message(**{**fields, "payload": b"hi"}).signed_content(), wanted)
        camel = {re.sub("_(.)", lambda m: m[1].upper(), name): value for name, value in fields.items()}
        self.assertEqual(base64.b64decode(probe("content", **camel)), wanted)
        self.assertEqual(signature_in("The key 00 01 ... 1f signs that as `(.*)`"), DOCUMENTED.sign(wanted))

    def test_a_request_and_a_delegation_are_those_of_the_document(self):
        base = re.search('```\n("@method": POST\n(?:.*\n){3})```', API)[1].rstrip("\n")
        self.assertEqual(signature_in("\nSignature: kith=:(.*):"), DOCUMENTED.sign(base.encode()))
        fields = dict(line.split(": ", 1) for line in base.splitlines())
        made = sign_request(DOCUMENTED, "POST", fields['"@target-uri"'], b'{"upto":7}', created=1800000000)
        self.assertEqual(made["Content-Digest"], fields['"content-digest"'])
        signed, nonce = (re.sub('nonce=".*"', "", text) for text in (made["Signature-Input"], base))
        self.assertEqual(signed, "kith=" + nonce.splitlines()[-1].removeprefix('"@signature-params": '))
        node = re.search("the node `(did:key:.*?)`", API)[1]
        self.assertEqual(signature_in("```\n(AThk.*)\n```"), delegation(DOCUMENTED, node, 1800000000000))

    def test_a_delegation_and_a_signature_are_the_same_in_both(self):
        with Edge() as edge:
            path = edge.key_file("me")
            key, other = Key.load_or_make(path), Key(bytes(32))
            self.assertEqual(other.did, "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
            word = delegation(key, other.did, 1800000000000, epoch=3)
            self.assertEqual(len(word), 1 + 57 + 57 + 8 + 8 + 64)
            self.assertEqual(base64.b64decode(probe("delegation", key=path, node=other.did, expires=1800000000000,
                                                    epoch=3)), word)
            for did, data, right in ((key.did, "yes", True), (key.did, "no", False), (other.did, "yes", False),
                                     ("did:web:example.org", "yes", False), (key.did + "1", "yes", False)):
                signature = key.sign(b"yes")
                self.assertEqual(signed_by(did, data.encode(), signature), right)
                self.assertEqual(probe("signed_by", did=did, data=data,
                                       signature=base64.b64encode(signature).decode()), right)

    def test_bytes_arrive_as_they_were_sent_in_both_directions(self):
        payload = bytes(range(256)) * 40
        with Edge() as edge:
            python, script = edge.client("python"), edge.client("script")
            text = base64.b64encode(payload).decode()
            probe("send", url=edge.url, ca=edge.ca, key=edge.key_file("script"), to=python.key.did, payload=text)
            python.send(script.key.did, "bytes", payload)
            python.send(script.key.did, "text", "\ufeffwith a mark")
            [got] = wait_until("the bytes", python.inbox)
            self.assertEqual((got.payload, got.signed_by_sender()), (payload, True))
            got.payload += b"!"
            self.assertFalse(got.signed_by_sender())
            wait_until("both", lambda: len(script.inbox()) == 2)
            mark = base64.b64encode("\ufeffwith a mark".encode()).decode()
            self.assertEqual(probe("inbox", url=edge.url, ca=edge.ca, key=edge.key_file("script")),
                             [["application/octet-stream", text], ["text/plain", mark]])
            seen = list(itertools.islice(script.follow(), 2))
            self.assertEqual([m.payload for m in seen], [payload, "\ufeffwith a mark".encode()])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
