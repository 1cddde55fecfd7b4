// Who a client of Kith is and how it proves that: the key and its file, did:key, signed requests, and the delegation by
// which a node may keep its mailbox. Everything that docs/API.md says about bytes, but for messages. The keys are
// WebCrypto's.
import { open, readFile, stat } from "node:fs/promises";

export type Bytes = Uint8Array<ArrayBuffer>;

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ED25519_DID = [0xed, 0x01]; // multicodec ed25519-pub
const DID_SIZE_MAX = 127; // so that its size is one byte as a varint; a did:key has 56

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
export const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
export const fromBase64 = (text: string): Bytes => new Uint8Array(Buffer.from(text, "base64"));

// The bytes one behind the other; a number is its bytes, big-endian, in the size given: [7n, 8].
export function joined(...parts: (Uint8Array | string | [bigint, number])[]): Bytes {
  const raw = parts.map((part) => {
    if (typeof part === "string") return utf8(part);
    if (part instanceof Uint8Array) return part;
    const [value, size] = part;
    return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn));
  });
  return new Uint8Array(Buffer.concat(raw));
}

// An Ed25519 key, and the DID that it is.
export class Key {
  readonly did: string;
  readonly #private: CryptoKey;

  private constructor(did: string, secret: CryptoKey) {
    this.did = did;
    this.#private = secret;
  }

  // From PKCS #8, DER (RFC 8410).
  static async of(pkcs8: Bytes): Promise<Key> {
    const secret = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", secret);
    const raw = new Uint8Array(Buffer.from(x!, "base64url"));
    return new Key(didOf(raw), await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]));
  }

  // From a file of PKCS #8 in PEM, as `openssl genpkey -algorithm ed25519` makes it, mode 0600.
  static async load(path: string): Promise<Key> {
    if ((await stat(path)).mode & 0o077) throw new Error(`${path} must be for its owner alone: chmod 600 ${path}`);
    const body = (await readFile(path, "ascii")).split("\n").filter((line) => !line.startsWith("-----"));
    return Key.of(fromBase64(body.join("")));
  }

  static async loadOrMake(path: string): Promise<Key> {
    let file;
    try {
      file = await open(path, "wx", 0o600);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === "EEXIST") return Key.load(path);
      throw e;
    }
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
    await file.writeFile(`-----BEGIN PRIVATE KEY-----\n${toBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`);
    await file.sync();
    await file.close();
    return Key.of(pkcs8);
  }

  async sign(data: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.#private, data));
  }
}

// The did:key of 32 raw bytes: multicodec and key in base58btc. The first byte is never zero here.
export function didOf(publicKey: Uint8Array): string {
  let number = BigInt("0x" + Buffer.from([...ED25519_DID, ...publicKey]).toString("hex"));
  let text = "";
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  return "did:key:z" + text;
}

// The 32 raw bytes of a did:key of Ed25519; undefined if it is anything else.
export function publicKeyOf(did: string): Bytes | undefined {
  if (!did.startsWith("did:key:z") || did.length > DID_SIZE_MAX) return undefined;
  let number = 0n;
  for (const digit of did.slice("did:key:z".length)) {
    if (!BASE58.includes(digit)) return undefined;
    number = number * 58n + BigInt(BASE58.indexOf(digit));
  }
  const hex = number.toString(16);
  const raw = Buffer.from(hex.length % 2 ? "0" + hex : hex, "hex");
  return raw.length === 34 && raw[0] === ED25519_DID[0] && raw[1] === ED25519_DID[1]
    ? new Uint8Array(raw.subarray(2))
    : undefined;
}

// Whether the key that this DID is signed the data.
export async function signedBy(did: string, data: Bytes, signature: Bytes): Promise<boolean> {
  const raw = publicKeyOf(did);
  if (!raw) return false;
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, data);
}

// The key's own word, to a node's DID: "you speak for me until then" (milliseconds since 1970).
export async function delegation(key: Key, node: string, expires: number, epoch = 1): Promise<Bytes> {
  if (Math.max(key.did.length, node.length) > DID_SIZE_MAX) throw new Error("this DID is too long");
  const name = (did: string) => joined([BigInt(did.length), 1], did);
  const fields = joined([1n, 1], name(key.did), name(node), [BigInt(epoch), 8], [BigInt(expires), 8]);
  return joined(fields, await key.sign(joined("kith.delegation", fields)));
}

// The header fields that say who sends this (RFC 9421, RFC 9530). The node takes them once, and for 5 minutes.
export async function signRequest(
  key: Key, method: string, url: string, body = "", created = Math.floor(Date.now() / 1000),
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const covered = [["@method", method], ["@target-uri", url]];
  if (body) {
    const digest = await crypto.subtle.digest("SHA-256", utf8(body));
    headers["Content-Digest"] = `sha-256=:${toBase64(new Uint8Array(digest))}:`;
    covered.push(["content-digest", headers["Content-Digest"]]);
  }
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const parameters = `(${names});created=${created};keyid="${key.did}";alg="ed25519";nonce="${crypto.randomUUID()}"`;
  const lines = covered.map(([name, value]) => `"${name}": ${value}\n`).join("");
  const signature = await key.sign(utf8(`${lines}"@signature-params": ${parameters}`));
  headers["Signature-Input"] = `kith=${parameters}`;
  headers["Signature"] = `kith=:${toBase64(signature)}:`;
  return headers;
}
