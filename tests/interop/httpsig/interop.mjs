// http-message-signatures against Kith's protocols/httpsig (interop_httpsig_peer): either verifies what the other
// signs, over the same messages, and refuses what was changed, is too old or comes twice. Exit code 0 or 1.
import { spawn } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import signatures from 'http-message-signatures'

const { createSigner, createVerifier, httpbis } = signatures
const WAIT_MS_MAX = 20_000
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410: what stands before an Ed25519 seed
const SPKI = Buffer.from('302a300506032b6570032100', 'hex') // and before a public key
let checks = 0

function check (ok, what, seen) {
  if (!ok) throw new Error(`failed: ${what}${seen === undefined ? '' : `: ${JSON.stringify(seen)}`}`)
  checks++
  console.log(`  ok: ${what}`)
}

// Our program: a line in, a line out.
class Peer {
  constructor (binary) {
    this.child = spawn(binary, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  async ask (line) {
    this.child.stdin.write(JSON.stringify(line) + '\n')
    let timer
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the peer does not answer')), WAIT_MS_MAX)
    })
    const { value, done } = await Promise.race([this.lines.next(), late]).finally(() => clearTimeout(timer))
    if (done) throw new Error('the peer has ended')
    return JSON.parse(value)
  }
}

const now = () => Math.floor(Date.now() / 1000)
const digest = (body, name = 'sha-256') =>
  `${name}=:${createHash(name.replace('-', '')).update(body).digest('base64')}:`
const pairs = headers => Object.entries(headers).flatMap(([name, value]) => [value].flat().map(one => [name, one]))

// A message of the library's as the peer wants it: the target in parts, as an HTTP server has it.
function forPeer (message) {
  const out = { headers: pairs(message.headers), body: message.body ?? '' }
  if (message.status !== undefined) return { ...out, status: message.status }
  const { protocol, host, pathname, search } = new URL(message.url)
  return {
    ...out,
    method: message.method,
    scheme: protocol.slice(0, -1),
    authority: host,
    path: pathname,
    ...(search ? { query: search.slice(1) } : {})
  }
}

async function newKey (peer) {
  const seed = randomBytes(32)
  const { keyid, public: raw } = await peer.ask({ do: 'key', seed: seed.toString('hex') })
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const spki = Buffer.concat([SPKI, Buffer.from(raw, 'hex')])
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  check(createPublicKey(privateKey).equals(publicKey), 'both derive the same public key from a seed')
  return { seed: seed.toString('hex'), keyid, privateKey, publicKey }
}

const BODY = '{"hello": "world"}'
const post = (more = {}) => ({
  method: 'POST',
  url: 'https://example.com:8443/api/messages?to=did%3Akey%3Az6Mk&n=1',
  headers: {
    Host: 'example.com:8443',
    Date: new Date().toUTCString(),
    'Content-Type': 'application/json',
    'Content-Digest': digest(BODY),
    ...more
  },
  body: BODY
})
const WHOLE = ['@method', '@target-uri', 'content-digest', 'content-type']

// Signed by the library.
function signedByThem (key, message, fields, paramValues = {}, name = 'sig') {
  return httpbis.signMessage({
    key: createSigner(key.privateKey, 'ed25519', key.keyid),
    name,
    fields,
    params: ['created', 'keyid', 'alg', 'nonce', 'tag', ...('expires' in paramValues ? ['expires'] : [])],
    paramValues: { nonce: randomBytes(12).toString('base64'), ...paramValues }
  }, message)
}

// Signed by ours, with the fields added as lines of their own.
async function signedByUs (peer, key, message, covered, more = {}, request = undefined) {
  const fields = await peer.ask({
    do: 'sign',
    seed: key.seed,
    label: 'kith',
    message: forPeer(message),
    ...(request ? { request: forPeer(request) } : {}),
    covered,
    created: now(),
    nonce: randomBytes(12).toString('base64'),
    ...more
  })
  if (fields.error) throw new Error(`ours does not sign: ${JSON.stringify(fields)}`)
  return {
    ...message,
    headers: {
      ...message.headers,
      'Signature-Input': [message.headers['Signature-Input'] ?? [], fields['signature-input']].flat(),
      Signature: [message.headers.Signature ?? [], fields.signature].flat()
    }
  }
}

const verifiedByUs = (peer, message, more = {}) =>
  peer.ask({ do: 'verify', now: now(), message: forPeer(message), ...more })

// true, false or the name of the error by which the library refuses.
async function verifiedByThem (key, message, request, more = {}) {
  try {
    return await httpbis.verifyMessage({
      keyLookup: async ({ keyid }) => keyid !== key.keyid
        ? null
        : { id: key.keyid, algs: ['ed25519'], verify: createVerifier(key.publicKey, 'ed25519') },
      ...more
    }, message, request)
  } catch (error) {
    return error.constructor.name
  }
}

async function theirsVerifiedByUs (peer) {
  const key = await newKey(peer)
  const other = await newKey(peer)
  const message = await signedByThem(key, post(), WHOLE)
  const verified = await verifiedByUs(peer, message)
  check(verified.keyid === key.keyid && verified.label === 'sig' && verified.nonce, 'ours verifies theirs', verified)
  check(verified.covered.join() === WHOLE.map(name => `"${name}"`).join(), 'and sees what they covered', verified)
  check((await verifiedByUs(peer, message)).error === 'replayed', 'ours refuses it the second time')

  const shapes = {
    'the shape that Fedify signs': ['@method', '@target-uri', '@authority', 'host', 'date', 'content-digest'],
    'the target in parts': ['@method', '@scheme', '@authority', '@path', '@query', 'content-digest'],
    'the target as it is requested': ['@method', '@authority', '@request-target', 'content-digest'],
    'single query parameters': [...WHOLE, '@query-param;name="n"', '@query-param;name="to"'],
    'strict, keyed, wrapped fields': ['@method', '@target-uri', 'content-digest;sf', 'x-many;bs', 'priority;key="u"'],
    'a field of several lines': [...WHOLE, 'x-many']
  }
  for (const [what, fields] of Object.entries(shapes)) {
    const more = { Priority: 'u=1,   i', 'X-Many': ['  one, two ', 'three'] }
    const seen = await verifiedByUs(peer, await signedByThem(key, post(more), fields))
    check(seen.keyid === key.keyid, `ours verifies ${what}`, seen)
  }
  const both = post({ 'Content-Digest': `${digest(BODY, 'sha-512')}, ${digest(BODY)}` })
  const bothSeen = await verifiedByUs(peer, await signedByThem(key, both, WHOLE))
  check(bothSeen.keyid === key.keyid, 'ours verifies two digests', bothSeen)
  const get = { method: 'GET', url: 'http://example.com/', headers: { Accept: '*/*' } }
  const getSeen = await verifiedByUs(peer, await signedByThem(key, get, ['@method', '@target-uri']))
  check(getSeen.keyid === key.keyid, 'ours verifies a GET without a body', getSeen)

  const refused = async (what, code, wrong, more) => {
    const seen = await verifiedByUs(peer, wrong, more)
    check(seen.error === code, `ours refuses ${what}: ${code}`, seen)
  }
  const fresh = () => signedByThem(key, post(), WHOLE)
  const good = await fresh()
  await refused('another path', 'signature_wrong', { ...good, url: good.url.replace('messages', 'other') })
  await refused('another method', 'signature_wrong', { ...good, method: 'PUT' })
  const withHeader = (name, value) => ({ ...good, headers: { ...good.headers, [name]: value } })
  await refused('a changed field', 'signature_wrong', withHeader('Content-Type', 'text/plain'))
  await refused('a changed body', 'digest_wrong', { ...good, body: BODY + ' ' })
  await refused('a changed body with its digest', 'signature_wrong',
    { ...withHeader('Content-Digest', digest('{}')), body: '{}' })
  await refused("another key's signature", 'signature_wrong',
    await signedByThem({ ...other, keyid: key.keyid }, post(), WHOLE))
  await refused('an uncovered digest', 'not_covered', await signedByThem(key, post(), ['@method', '@target-uri']))
  await refused('an expired one', 'signature_expired', await signedByThem(key, post(), WHOLE,
    { created: new Date(Date.now() - 120_000), expires: new Date(Date.now() - 60_000) }))
  await refused('an old one', 'signature_too_old', good, { now: now() + 3600 })
  await refused('one from the future', 'signature_from_future', good, { now: now() - 3600 })
  await refused('an unsigned one', 'signature_missing', post())
  await refused('another tag', 'signature_missing', good, { tag: 'another' })
  check((await verifiedByUs(peer, good)).keyid === key.keyid, 'and still takes what was not changed')
}

async function oursVerifiedByThem (peer) {
  const key = await newKey(peer)
  const other = await newKey(peer)
  const message = await signedByUs(peer, key, post(), WHOLE.map(name => `"${name}"`), { alg: 'ed25519', tag: 'kith' })
  const policy = { requiredFields: WHOLE, maxAge: 300, requiredParams: ['nonce', 'tag'] }
  check(await verifiedByThem(key, message, undefined, policy) === true, 'theirs verifies ours')
  const more = { Priority: 'u=1,   i', 'X-Many': ['  one, two ', 'three'] }
  const rich = ['"@method"', '"@target-uri"', '"@authority"', '"@scheme"', '"@request-target"', '"@path"', '"@query"',
    '"@query-param";name="n"', '"@query-param";name="to"', '"host"', '"date"', '"content-digest";sf',
    '"priority";key="u"', '"priority";sf', '"x-many"', '"x-many";bs']
  check(await verifiedByThem(key, await signedByUs(peer, key, post(more), rich)) === true,
    'theirs verifies every kind of component')
  const { digest: made } = await peer.ask({ do: 'digest', algorithm: 'sha-512', body: BODY })
  check(made === digest(BODY, 'sha-512'), 'both make the same digest')

  const response = { status: 202, headers: { 'Content-Type': 'application/json' }, body: '' }
  const bound = ['"@status"', '"content-type"', '"@method";req', '"content-digest";req']
  const answered = await signedByUs(peer, key, response, bound, {}, post())
  check(await verifiedByThem(key, answered, post()) === true, 'theirs verifies a response bound to its request')
  check(await verifiedByThem(key, answered, { ...post(), method: 'PUT' }) === false, 'and not to another one')

  check(await verifiedByThem(key, { ...message, url: message.url + '0' }) === false, 'theirs refuses another target')
  check(await verifiedByThem(key, { ...message, method: 'PUT' }) === false, 'theirs refuses another method')
  const otherDigest = { ...message, headers: { ...message.headers, 'Content-Digest': digest('{}') } }
  check(await verifiedByThem(key, otherDigest) === false, 'theirs refuses another digest')
  check(await verifiedByThem({ ...other, keyid: key.keyid }, message) === false, 'theirs refuses another key')
  const over = await signedByUs(peer, key, post(), ['"@method"'], { created: now() - 120, expires: now() - 60 })
  check(await verifiedByThem(key, over) === 'ExpiredError', 'theirs refuses what we signed to expire')

  // One message, signed by both.
  const twice = await signedByUs(peer, other, await signedByThem(key, post(), WHOLE, { tag: 'theirs' }),
    WHOLE.map(name => `"${name}"`), { tag: 'ours' })
  check((await verifiedByUs(peer, twice, { tag: 'theirs' })).keyid === key.keyid, 'ours picks theirs by its tag')
  check((await verifiedByUs(peer, twice, { tag: 'ours' })).keyid === other.keyid, 'ours picks ours by its tag')
  check(await verifiedByThem(key, twice) === true, 'theirs verifies its own beside ours')
}

const peer = new Peer(process.argv[2])
try {
  await theirsVerifiedByUs(peer)
  await oursVerifiedByThem(peer)
  console.log(`httpsig: ${checks} checks held`)
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  peer.child.stdin.end()
}
