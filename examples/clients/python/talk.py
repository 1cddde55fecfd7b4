#!/usr/bin/python3
"""Talks to the agents of a Kith node from a shell:

    export KITH_URL=https://127.0.0.1:8443 KITH_CA=edge.pem KITH_KEY=me.pem
    talk.py register                         # once: the key is made, and the mailbox set up
    talk.py ask c get
    talk.py send c add --json 5
    talk.py inbox                            # what waits
    talk.py reply MESSAGE_ID "yes"           # to a message that waits
    talk.py follow                           # each message as one line of JSON, until Ctrl-C

Everything is printed as JSON, one document a line. Exit code 1: it failed, and why is on stderr."""
import argparse
import json
import logging
import os
import sys

from kith_client import PATIENCE_S, Client, KithError
from kith_identity import Key


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--url", default=os.environ.get("KITH_URL", "https://127.0.0.1:8443"))
    p.add_argument("--ca", default=os.environ.get("KITH_CA"), help="the certificate to trust, PEM")
    p.add_argument("--key", default=os.environ.get("KITH_KEY", "kith-key.pem"), help="made if it is not there")
    p.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds for which a request is tried again")
    commands = p.add_subparsers(dest="command", required=True)
    for name in ("did", "register", "agents", "inbox"):
        commands.add_parser(name)
    for name in ("send", "ask"):
        c = commands.add_parser(name)
        c.add_argument("to", help="an agent's name, or a DID")
        c.add_argument("kind")
        add_payload(c)
    commands.choices["send"].add_argument("--id", help="a UUIDv7; the same again is the same message")
    commands.choices["ask"].add_argument("--deadline", type=float, default=30, help="seconds")
    reply = commands.add_parser("reply")
    reply.add_argument("id")
    add_payload(reply)
    commands.add_parser("ack").add_argument("upto", type=int)
    commands.add_parser("follow").add_argument("--count", type=int, default=0, help="end after so many")
    return p.parse_args()


def add_payload(parser):
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--json", type=json.loads, help="instead of text")


def shown(m):
    said = {"position": m.position, "id": m.id, "from": m.sender, "kind": m.kind}
    said["json" if m.content_type == "application/json" else "text"] = readable(m)
    if m.in_reply_to:
        said.update(in_reply_to=m.in_reply_to, status=m.status)
    return {**said, "wants_answer": m.wants_answer, "signed_by_sender": m.signed_by_sender()}


def readable(m):
    return m.json() if m.content_type == "application/json" else m.payload.decode(errors="replace")


def follow(client, count):
    for handled, message in enumerate(client.follow(), 1):
        yield shown(message)
        if handled == count:
            client.ack(message.position)
            return


def run(client, a):
    """The documents to print."""
    payload = getattr(a, "text", "") if getattr(a, "json", None) is None else a.json
    match a.command:
        case "did":
            yield {"did": client.key.did}
        case "register":
            yield client.register()
        case "agents":
            yield from client.agents()
        case "send":
            yield {"id": client.send(a.to, a.kind, payload, id=a.id)}
        case "ask":
            yield readable(client.ask(a.to, a.kind, payload, deadline_s=a.deadline))
        case "inbox":
            yield from map(shown, client.inbox())
        case "reply":
            asked = [m for m in client.inbox(limit=1000) if m.id == a.id]
            if not asked:
                raise KithError("unknown_message", "nothing with this id waits in the mailbox")
            yield {"id": client.reply(asked[0], payload)}
        case "ack":
            client.ack(a.upto)
        case "follow":
            yield from follow(client, a.count)


def main():
    logging.basicConfig(format="%(message)s")
    a = arguments()
    try:
        client = Client(a.url, Key.load_or_make(a.key), ca_file=a.ca, patience_s=a.patience)
        for document in run(client, a):
            print(json.dumps(document, ensure_ascii=False), flush=True)
    except (KithError, OSError, ValueError) as e:
        sys.exit(f"talk.py: {e}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
