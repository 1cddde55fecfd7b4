// The parts of the TypeScript client that clients.py looks at one by one. Arguments: what, then JSON; prints JSON.
import { delegation, Key, signedBy, signRequest, toBase64 } from "../../../examples/clients/typescript/identity.ts";
import { Client } from "../../../examples/clients/typescript/kith.ts";
import { Message } from "../../../examples/clients/typescript/message.ts";

const [what = "", given = "{}"] = process.argv.slice(2);
const o = JSON.parse(given);

const client = async () => new Client(o.url, await Key.load(o.key), { caFile: o.ca });

async function probed(): Promise<unknown> {
  switch (what) {
    case "content": // of a message
      return toBase64(new Message({ ...o, payload: new Uint8Array(Buffer.from(o.payload)) }).signedContent());
    case "delegation":
      return toBase64(await delegation(await Key.load(o.key), o.node, o.expires, o.epoch));
    case "request": // the header fields of a signed one
      return signRequest(await Key.load(o.key), o.method, o.url, o.body, o.created);
    case "signed_by":
      return signedBy(o.did, new Uint8Array(Buffer.from(o.data)), new Uint8Array(Buffer.from(o.signature, "base64")));
    case "burst": { // `count` messages, one behind the other, as fast as it goes
      const sender = await client();
      for (let i = 0; i < o.count; ++i) await sender.send(o.to, "add", 1);
      return o.count;
    }
    case "send": // bytes
      return (await client()).send(o.to, "bytes", new Uint8Array(Buffer.from(o.payload, "base64")));
    case "inbox":
      return (await (await client()).inbox()).map((m) => [m.contentType, toBase64(m.payload)]);
    default: throw new Error(`nothing to probe: ${what}`);
  }
}

console.log(JSON.stringify(await probed()));
