// A client of a Kith node, for programs that are not agents of one. It has a key, whose DID is its address, and a
// mailbox at the node, which keeps what comes while the program is away. For Node 22.19 and later, without packages.
//
//   const client = new Client("https://127.0.0.1:8443", await Key.loadOrMake("me.pem"), { caFile: "edge.pem" });
//   await client.register();
//   console.log((await client.ask("c", "get")).json());
//   for await (const message of client.follow()) console.log(message.sender, message.kind, message.text);
//
// docs/API.md says what goes over the wire.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { delegation, Key, signRequest, toBase64 } from "./identity.ts";
import { encoded, Message, newId } from "./message.ts";
import type { Payload } from "./message.ts";

const PATIENCE_MS = 30_000; // for which a request is tried again
const PAUSE_MAX_MS = 5_000; // between tries, unless the node asks for more
const SILENCE_MAX_MS = 45_000; // of a stream, then it is opened anew; the node says something every 15 s
const QUIET_MS = 20; // without a further message, what was handled is acknowledged
const UNACKED_MAX = 64; // messages handled and not acknowledged yet, while more keep coming
const EVENT_SIZE_MAX = 32 << 20; // characters of one event, then the stream is given up; a message has at most 16 MiB

// The node, or an answer, said no. `code` is for programs, `detail` for people, `status` HTTP's, or 0.
export class KithError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly status: number;

  constructor(code: string, detail: string, status = 0) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
    this.status = status;
  }
}

// What may pass by itself: a node that is busy (429, 503), stopping or away. A certificate that is not trusted counts
// too, since a node that makes its own makes a new one when it starts, and the file with it may be a moment old.
export class Trouble extends KithError {
  readonly retryAfterMs: number;

  constructor(code: string, detail: string, status = 0, retryAfterMs = 0) {
    super(code, detail, status);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface SendOptions {
  id?: string; // a newId(), to go on trying later: the node takes it once
  wantsAnswer?: boolean;
  inReplyTo?: string;
  ttlMs?: number; // 0: it never expires
}

// `caFile` has the certificate to trust, beside the system's; it is read before each try, and holds for the whole
// process, as fetch knows no other way.
export class Client {
  readonly key: Key;
  readonly #url: string;
  readonly #mailbox: string;
  readonly #caFile: string | undefined;
  readonly #patienceMs: number;

  constructor(url: string, key: Key, options: { caFile?: string; patienceMs?: number } = {}) {
    this.key = key;
    this.#url = new URL(url).origin;
    this.#mailbox = `/api/messages/${key.did}`;
    this.#caFile = options.caFile;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  // Sets up this key's mailbox at the node, or renews it: it must be renewed within the lifetime.
  async register(lifetimeMs = 30 * 24 * 3600 * 1000): Promise<{ did: string; node: string; expires: number }> {
    const word = await delegation(this.key, (await this.node()).node, Date.now() + lifetimeMs);
    return this.#call("PUT", `/api/mailboxes/${this.key.did}`, { delegation: toBase64(word) });
  }

  node(): Promise<{ node: string; name: string; version: string; now: number }> {
    return this.#call("GET", "/version");
  }

  async agents(): Promise<{ did: string; name?: string; type: string; node: string }[]> {
    return (await this.#call("GET", "/api/agents")).agents;
  }

  // The DID of an agent, by its name. A DID is taken as it is.
  async find(agent: string): Promise<string> {
    if (agent.startsWith("did:")) return agent;
    return (await this.#call("GET", `/api/agents/${encodeURIComponent(agent)}`)).did;
  }

  // Sends text, bytes, or anything else as JSON. Gives the message's id once the node will not lose it. It is tried
  // again under one id, which the node takes once.
  async send(to: string, kind: string, payload: Payload = "", options: SendOptions = {}): Promise<string> {
    const m = new Message({
      ...encoded(payload), id: options.id ?? newId(), sender: this.key.did, to: await this.find(to), kind,
      created: Date.now(), ttlMs: options.ttlMs ?? 0, inReplyTo: options.inReplyTo ?? "",
      wantsAnswer: options.wantsAnswer ?? false,
    });
    m.signature = await this.key.sign(m.signedContent());
    return (await this.#call("POST", "/api/messages", m.toSend())).id;
  }

  // Answers a message. Who asked gets it as the answer.
  reply(message: Message, payload: Payload = ""): Promise<string> {
    return this.send(message.sender, message.kind, payload, { inReplyTo: message.id });
  }

  // Sends, and gives the answer. KithError "refused", "expired" or "dead": there will be none; "timeout": none came in
  // time. The answer stays in the mailbox unless it is all that waits there. A program that follows its inbox should
  // send() with wantsAnswer instead, and meet the answer there.
  async ask(to: string, kind: string, payload: Payload = "", deadlineMs = 30_000): Promise<Message> {
    const until = Date.now() + deadlineMs;
    const before = await this.#call("GET", `${this.#mailbox}/pending?limit=0`);
    const id = await this.send(to, kind, payload, { wantsAnswer: true, ttlMs: Math.ceil(deadlineMs) });
    for await (const message of this.follow(before.newest, { acknowledge: false, until })) {
      if (message.inReplyTo !== id) continue;
      if (message.position === before.acked + 1) await this.ack(message.position);
      if (message.status !== "ok") throw new KithError(message.status, message.text);
      return message;
    }
    throw new KithError("timeout", `no answer to ${id} within ${deadlineMs} ms`);
  }

  // What waits behind a position, oldest first.
  async inbox(after = 0, limit = 100): Promise<Message[]> {
    const page = await this.#call("GET", `${this.#mailbox}/pending?after=${after}&limit=${limit}`);
    return page.messages.map(Message.of);
  }

  // Everything up to this position is handled: the node erases it.
  async ack(upto: number): Promise<void> {
    await this.#call("POST", `${this.#mailbox}/ack`, { upto });
  }

  // Every message behind `after`, once and in order, what waits and what comes, over any trouble with connection and
  // node. A message is handled when the loop asks for the next one, and then acknowledged soon. Whoever leaves the loop
  // acknowledges the last by ack(). A program that dies gets again what was not acknowledged; to rule that out, keep
  // the position with what you make of it, and begin `after` it. `until` is a Date.now(); `onTrouble` is told why a
  // stream ended and is opened again.
  async *follow(
    after = 0,
    { acknowledge = true, until = Infinity, onTrouble = (_: Trouble): void => {} } = {},
  ): AsyncGenerator<Message, void, void> {
    let cursor = after, acked = after, pauses = backoff();
    while (Date.now() < until) {
      const end = new AbortController();
      try {
        const events = this.#events(cursor, until, end);
        let coming = events.next();
        for (let now = await coming; !now.done && Date.now() < until; now = await coming) {
          const { position, data } = now.value;
          if (data && position > cursor) {
            yield Message.of(JSON.parse(data));
            cursor = position;
            pauses = backoff();
          }
          coming = events.next();
          coming.catch(() => {}); // awaited above, but perhaps later than it fails
          if (acknowledge && cursor > acked && (cursor - acked >= UNACKED_MAX || (await quiet(coming)))) {
            await this.ack(cursor);
            acked = cursor;
          }
        }
      } catch (e) {
        if (!(e instanceof Trouble)) throw e;
        onTrouble(e);
      } finally {
        end.abort();
      }
      await sleep(Math.max(0, Math.min(pauses.next().value, until - Date.now())));
    }
  }

  // The Server-Sent Events of one stream; a sign of life in between is one without data.
  async *#events(cursor: number, until: number, end: AbortController) {
    const left = () => Math.max(0, Math.min(SILENCE_MAX_MS, until - Date.now()));
    const limit = () => setTimeout(() => end.abort(), left()).unref();
    let timer = limit();
    try {
      const more = { headers: { "Last-Event-ID": String(cursor) }, signal: end.signal };
      const response = await this.#fetch("GET", `${this.#mailbox}/events`, "", more);
      let text = "";
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))) {
        clearTimeout(timer);
        timer = limit();
        text += chunk;
        for (let at; (at = text.indexOf("\n\n")) >= 0; text = text.slice(at + 2)) yield eventOf(text.slice(0, at));
        if (text.length > EVENT_SIZE_MAX) throw new KithError("event_too_large", "an event has no end");
      }
    } catch (e) {
      throw asTrouble(e);
    } finally {
      clearTimeout(timer);
    }
  }

  // One request, tried again while that may help. All requests here may be repeated.
  async #call(method: string, path: string, body?: object): Promise<any> {
    const raw = body === undefined ? "" : JSON.stringify(body);
    const end = Date.now() + this.#patienceMs;
    for (const pauses = backoff(); ;) {
      try {
        const response = await this.#fetch(method, path, raw, { signal: AbortSignal.timeout(this.#patienceMs) });
        return await response.json();
      } catch (e) {
        const trouble = asTrouble(e);
        if (!(trouble instanceof Trouble)) throw trouble;
        const pause = Math.max(pauses.next().value, trouble.retryAfterMs);
        if (Date.now() + pause > end) throw trouble;
        await sleep(pause);
      }
    }
  }

  async #fetch(method: string, path: string, body: string, more: RequestInit): Promise<Response> {
    if (this.#caFile) trust(this.#caFile);
    const url = this.#url + path;
    const signed = await signRequest(this.key, method, url, body); // anew: a signature is taken once
    const headers = { ...signed, ...(body && { "Content-Type": "application/json" }), ...more.headers };
    const response = await fetch(url, { ...more, method, headers, body: body || null, redirect: "error" });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

let trusted = ""; // the certificate that was told to the process

function trust(caFile: string): void {
  const pem = readFileSync(caFile, "ascii");
  if (pem === trusted || !pem.includes("END CERTIFICATE")) return; // being written: the next try has it
  tls.setDefaultCACertificates([...tls.getCACertificates("bundled"), pem]);
  trusted = pem;
}

// Pauses, each up to twice as long; their length is half chance, so that clients do not come at once.
function* backoff(): Generator<number, never, void> {
  for (let pause = 100; ; pause = Math.min(2 * pause, PAUSE_MAX_MS)) yield pause * (0.5 + Math.random() / 2);
}

function quiet(coming: Promise<unknown>): Promise<boolean> {
  return Promise.race([sleep(QUIET_MS, true), coming.then(() => false)]);
}

function eventOf(block: string): { position: number; data: string } {
  const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  const data = fields.get("data") ?? "";
  if (fields.get("event") === "refused") throw new Trouble(data, "too many follow this mailbox", 503);
  return { position: Number(fields.get("id") ?? 0), data };
}

// What the node says against a request (RFC 9457); what is not the node's own, a proxy's say, has only its status.
async function problemOf(response: Response): Promise<KithError> {
  const { code, detail } = await response.json().catch(() => ({}));
  const after = Number(response.headers.get("Retry-After")) || 0;
  const why = [code ?? `http_${response.status}`, detail ?? response.statusText, response.status] as const;
  return response.status === 429 || response.status === 503 ? new Trouble(...why, after * 1000) : new KithError(...why);
}

function asTrouble(e: unknown): KithError {
  if (e instanceof KithError) return e;
  const { message, cause } = e as Error;
  return new Trouble("unreachable", cause instanceof Error ? `${message}: ${cause.message}` : message);
}
