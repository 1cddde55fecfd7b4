// One message of Kith: what a sender signs of it, and how it stands in JSON.
import { fromBase64, joined, signedBy, toBase64, utf8 } from "./identity.ts";
import type { Bytes } from "./identity.ts";

// As it stands in JSON (docs/API.md, "A message").
interface MessageJson {
  id: string; from: string; to: string; kind: string; content_type: string; created: number; position: number;
  text?: string; base64?: string; ttl_ms?: number; in_reply_to?: string; wants_answer?: boolean; status?: string;
  signature?: string;
}

export type Payload = string | Uint8Array | object | number | boolean | null;

export class Message {
  id = "";
  sender = "";
  to = "";
  kind = "";
  contentType = "";
  payload: Bytes = new Uint8Array();
  created = 0; // milliseconds since 1970
  ttlMs = 0;
  inReplyTo = "";
  wantsAnswer = false;
  status = ""; // of an answer: ok, refused, expired or dead
  position = 0; // in the mailbox, ascending
  signature: Bytes = new Uint8Array(); // the sender's own, if it is not an agent

  constructor(fields: Partial<Pick<Message, keyof Message>>) {
    Object.assign(this, fields);
  }

  // As it stands in a mailbox.
  static of(o: MessageJson): Message {
    return new Message({
      id: o.id, sender: o.from, to: o.to, kind: o.kind, contentType: o.content_type, created: o.created,
      payload: o.text !== undefined ? utf8(o.text) : fromBase64(o.base64 ?? ""), position: o.position,
      ttlMs: o.ttl_ms ?? 0, inReplyTo: o.in_reply_to ?? "", wantsAnswer: o.wants_answer ?? false,
      status: o.status ?? "", signature: fromBase64(o.signature ?? ""),
    });
  }

  // As POST /api/messages takes it; the payload as base64, so that it is signed as it is sent.
  toSend(): object {
    return {
      id: this.id, to: this.to, kind: this.kind, content_type: this.contentType, created: this.created,
      base64: toBase64(this.payload), ttl_ms: this.ttlMs, wants_answer: this.wantsAnswer,
      in_reply_to: this.inReplyTo || undefined, signature: toBase64(this.signature),
    };
  }

  get text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.payload);
  }

  json(): any {
    return JSON.parse(this.text);
  }

  // What the sender signs: each part behind its size (docs/API.md, "Signed content").
  signedContent(): Bytes {
    const parts = ["kith message 1", this.id, this.sender, this.to, this.kind, this.contentType, this.payload,
      String(this.created), String(this.ttlMs), this.inReplyTo, this.wantsAnswer ? "1" : "0"];
    const raw = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
    return joined(...raw.flatMap((part): ([bigint, number] | Bytes)[] => [[BigInt(part.length), 4], part]));
  }

  // Whether the sender itself vouches for it. False for an agent's message: its node vouches for that.
  signedBySender(): Promise<boolean> {
    return signedBy(this.sender, this.signedContent(), this.signature);
  }
}

// A UUIDv7 (RFC 9562): the time in milliseconds, then chance.
export function newId(): string {
  const value = joined([BigInt(Date.now()), 6], crypto.getRandomValues(new Uint8Array(10)));
  value[6] = (value[6]! & 0x0f) | 0x70;
  value[8] = (value[8]! & 0x3f) | 0x80;
  return Buffer.from(value).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// The media type of a payload, and its bytes.
export function encoded(payload: Payload): { contentType: string; payload: Bytes } {
  if (typeof payload === "string") return { contentType: "text/plain", payload: utf8(payload) };
  if (payload instanceof Uint8Array)
    return { contentType: "application/octet-stream", payload: new Uint8Array(payload) };
  return { contentType: "application/json", payload: utf8(JSON.stringify(payload)) };
}
