// Talks to the agents of a Kith node from a shell:
//
//   export KITH_URL=https://127.0.0.1:8443 KITH_CA=edge.pem KITH_KEY=me.pem
//   node talk.ts register                    # once: the key is made, and the mailbox set up
//   node talk.ts ask c get
//   node talk.ts send c add --json 5
//   node talk.ts inbox                       # what waits
//   node talk.ts reply MESSAGE_ID "yes"      # to a message that waits
//   node talk.ts follow                      # each message as one line of JSON, until Ctrl-C
//
// Everything is printed as JSON, one document a line. Exit code 1: it failed, and why is on stderr.
import { parseArgs } from "node:util";
import { Key } from "./identity.ts";
import { Client, KithError } from "./kith.ts";
import type { Message, Payload } from "./message.ts";

const USAGE = `usage: talk.ts [--url URL] [--ca FILE] [--key FILE] [--patience SECONDS] COMMAND
  did | register | agents | inbox | ack POSITION | follow [--count N]
  send TO KIND [TEXT | --json JSON] [--id UUID]
  ask TO KIND [TEXT | --json JSON] [--deadline SECONDS]
  reply MESSAGE_ID [TEXT | --json JSON]`;

const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: text, ca: text, key: text, patience: text, json: text, id: text, deadline: text, count: text },
});
const [command = "", ...rest] = positionals;

function needed(index: number): string {
  const value = rest[index];
  if (value === undefined) throw new Error(USAGE);
  return value;
}

function payload(index: number): Payload {
  return values.json === undefined ? (rest[index] ?? "") : JSON.parse(values.json);
}

const readable = (m: Message): unknown => (m.contentType === "application/json" ? m.json() : m.text);

async function shown(m: Message): Promise<object> {
  return {
    position: m.position, id: m.id, from: m.sender, kind: m.kind,
    [m.contentType === "application/json" ? "json" : "text"]: readable(m),
    ...(m.inReplyTo && { in_reply_to: m.inReplyTo, status: m.status }),
    wants_answer: m.wantsAnswer, signed_by_sender: await m.signedBySender(),
  };
}

// The documents to print.
async function* run(client: Client): AsyncGenerator<unknown> {
  switch (command) {
    case "did": return yield { did: client.key.did };
    case "register": return yield await client.register();
    case "agents": return yield* await client.agents();
    case "send": {
      const options = values.id === undefined ? {} : { id: values.id };
      return yield { id: await client.send(needed(0), needed(1), payload(2), options) };
    }
    case "ask": {
      const deadlineMs = 1000 * Number(values.deadline ?? 30);
      return yield readable(await client.ask(needed(0), needed(1), payload(2), deadlineMs));
    }
    case "inbox":
      for (const message of await client.inbox()) yield shown(message);
      return;
    case "reply": {
      const asked = (await client.inbox(0, 1000)).find((m) => m.id === needed(0));
      if (!asked) throw new KithError("unknown_message", "nothing with this id waits in the mailbox");
      return yield { id: await client.reply(asked, payload(1)) };
    }
    case "ack": return client.ack(Number(needed(0)));
    case "follow": {
      let left = Number(values.count ?? Infinity);
      for await (const message of client.follow(0, { onTrouble: (why) => console.error(why.message) })) {
        yield shown(message);
        if (--left === 0) return client.ack(message.position);
      }
      return;
    }
    default: throw new Error(USAGE);
  }
}

try {
  const env = process.env;
  const key = await Key.loadOrMake(values.key ?? env.KITH_KEY ?? "kith-key.pem");
  const url = values.url ?? env.KITH_URL ?? "https://127.0.0.1:8443";
  const caFile = values.ca ?? env.KITH_CA;
  const patienceMs = 1000 * Number(values.patience ?? 30);
  const client = new Client(url, key, caFile ? { caFile, patienceMs } : { patienceMs });
  for await (const document of run(client)) console.log(JSON.stringify(document));
} catch (e) {
  console.error(`talk.ts: ${(e as Error).message}`);
  process.exitCode = 1;
}
