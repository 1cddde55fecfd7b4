// did:key and did:nostr, which are computed: our documents against @digitalbazaar/did-method-key's, our keys against
// key-did-resolver's, and the vectors of both methods over HTTP.
import { createECDH } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { driver } from '@digitalbazaar/did-method-key'
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey'
import { X25519KeyAgreementKey2020 } from '@digitalbazaar/x25519-key-agreement-key-2020'
import * as base58 from 'base58-universal'
import { Resolver } from 'did-resolver'
import { getResolver } from 'key-did-resolver'
import { KEY } from './host.mjs'
import { all, check, checkSame } from './support.mjs'

const KEYS = 200 // of each kind
const RELATIONS = ['authentication', 'assertionMethod', 'capabilityDelegation', 'capabilityInvocation']
const VECTORS = new URL('../../../protocols/did/vectors/', import.meta.url)
const vectors = name => JSON.parse(readFileSync(new URL(name, VECTORS)))
const keyDidResolver = new Resolver(getResolver())

function digitalbazaar () {
  const made = driver()
  made.use({ multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from })
  made.use({ multibaseMultikeyHeader: 'z6LS', fromMultibase: X25519KeyAgreementKey2020.from })
  return made
}

// multicodec's codes as varints, and the sizes of raw keys
const CODECS = { '8024': 33, ed01: 32, ec01: 32, e701: 33 }

// The key in a Multikey text, raw.
function raw (multibase) {
  const coded = Buffer.from(base58.decode(multibase.slice(1)))
  const size = CODECS[coded.subarray(0, 2).toString('hex')]
  check(multibase.startsWith('z') && coded.length === 2 + size, `${multibase} is a Multikey`)
  return coded.subarray(2)
}

const ecKey = (curve, codec) => {
  const pair = createECDH(curve)
  const point = pair.generateKeys(null, 'compressed')
  return 'z' + base58.encode(Buffer.concat([Buffer.from(codec, 'hex'), point]))
}

const number = base64url => BigInt('0x' + Buffer.from(base64url, 'base64url').toString('hex'))

// Whether a key of ours is that of a method of key-did-resolver's, which has them in older forms.
function isKey (multibase, method) {
  const key = raw(multibase)
  if (method.publicKeyBase58) return key.equals(Buffer.from(base58.decode(method.publicKeyBase58)))
  if (method.publicKeyJwk.kty === 'OKP') return key.equals(Buffer.from(method.publicKeyJwk.x, 'base64url'))
  // Compared as numbers: it drops zeros in front of a coordinate, which RFC 7518 section 6.2.1.2 wants kept.
  const { x, y } = method.publicKeyJwk
  return BigInt('0x' + key.subarray(1).toString('hex')) === number(x) && BigInt(key[0] & 1) === (number(y) & 1n)
}

async function agreesWithKeyDidResolver (did, ours) {
  const { didDocument, didResolutionMetadata } = await keyDidResolver.resolve(did)
  check(didDocument, `key-did-resolver resolves ${did}`, didResolutionMetadata)
  const [one, ...more] = ours.verificationMethod
  const [method] = didDocument.verificationMethod
  check(more.length === 0 && one.id === method.id && one.controller === method.controller, `one method in ${did}`, ours)
  check(isKey(one.publicKeyMultibase, method), `both have the key of ${did}`, { one, method })
  for (const relation of RELATIONS) checkSame(ours[relation], didDocument[relation], `${relation} of ${did}`)
}

export async function randomKeys (ours) {
  const bazaar = digitalbazaar()
  const keys = []
  for (let i = 0; i < KEYS; i++) {
    keys.push((await Ed25519Multikey.generate()).publicKeyMultibase)
    keys.push((await X25519KeyAgreementKey2020.generate()).publicKeyMultibase)
    keys.push(ecKey('prime256v1', '8024'), ecKey('secp256k1', 'e701'))
  }
  check(new Set(keys).size === 4 * KEYS, 'the keys are not one another')
  await all(keys, async key => {
    const did = `did:key:${key}`
    const document = await ours.document(did)
    if (/^z6/.test(key)) checkSame(document, await bazaar.get({ did }), `did-method-key has our document of ${did}`)
    if (!key.startsWith('z6LS')) return agreesWithKeyDidResolver(did, document)
    const [agreement] = document.keyAgreement
    check(agreement.publicKeyMultibase === key, `the key of ${did}`, agreement)
  })
  console.log(`  ok: did:key of ${keys.length} random keys`)
}

// Of its method's vectors: the documents there are of older forms, and their keys are what is compared.
async function keyVectors (ours) {
  const known = vectors('digitalbazaar-5.3.0.json').get
  for (const [did, document] of Object.entries(known)) {
    checkSame(await ours.document(did), document, `the vector of ${did}`)
  }
  const documents = { ...vectors('x25519.json').didDocument }
  for (const file of ['ed25519-x25519.json', 'secp256k1.json', 'nist-curves.json']) {
    for (const [did, { didDocument }] of Object.entries(vectors(file))) documents[did] = didDocument
  }
  let refused = 0
  for (const [did, document] of Object.entries(documents)) {
    if (/^did:key:z(82|2J9)/.test(did)) {
      await ours.refuses(did, 501, 'featureNotSupported') // P-384 and P-521
      refused++
      continue
    }
    const found = await ours.document(did)
    const [method] = [...found.verificationMethod ?? [], ...found.keyAgreement ?? []]
    const theirs = document.verificationMethod.find(({ id }) => id === method.id)
    check(theirs?.controller === did, `the vector's method of ${did}`, document)
    // P256Key2021 is of no registered form.
    if (theirs.type !== 'P256Key2021') check(isKey(method.publicKeyMultibase, theirs), `the vector's key of ${did}`)
  }
  check(Object.keys(known).length === 16 && Object.keys(documents).length === 22 && refused === 4,
    'all vectors of did:key were there', Object.keys(documents))
}

async function nostrVectors (ours) {
  const {
    key_transformation: keys, key_decoding: decodings, error_cases: errors, did_document_generation: documents
  } = vectors('did-nostr.json').vectors
  let resolved = 0
  for (const { input, output } of keys) {
    const did = `did:nostr:${input}`
    // Their inputs in capital letters are keys and no DIDs; 0 and 2^256 - 1 are on no point.
    if (!/^[0-9a-f]*$/.test(input) || /^(0*|f*)$/.test(input)) {
      await ours.refuses(did, 400, 'invalidDid')
      continue
    }
    const { verificationMethod: [method] } = await ours.document(did)
    check(method.publicKeyMultibase === output && method.type === 'Multikey', `the vector of ${did}`, method)
    resolved++
  }
  check(keys.length === 5 && resolved === 1, 'all vectors of did:nostr keys were there')
  for (const { output } of decodings) {
    const { id } = await ours.document(`did:nostr:${output}`)
    check(id === `did:nostr:${output}`, 'a decoded key names its document')
  }
  for (const { input, name } of errors) {
    const code = /not_field|not_on_curve/.test(name) ? 'bad_public_key' : 'bad_did'
    await ours.refuses(`did:nostr:${input}`, 400, 'invalidDid', code)
  }
  // What relays said is in two of the three; without relays all are the first.
  const [minimal] = documents
  for (const { input } of documents) {
    checkSame(await ours.document(input), minimal.output, `the minimal document of ${input}`)
  }
  check(decodings.length === 2 && errors.length === 11 && documents.length === 3, 'all vectors of did:nostr were there')
}

export async function keysAndVectors (ours) {
  await keyVectors(ours)
  console.log('  ok: the vectors of did:key')
  await nostrVectors(ours)
  console.log('  ok: the vectors of did:nostr')
}

export async function malformed (ours) {
  const refused = [
    '', 'foo', 'did', 'did:', 'did::', 'did:key', 'did:key:', 'did:KEY:' + KEY, 'DID:key:' + KEY, 'did:key::' + KEY,
    'did:key:z', 'did:key:' + KEY.slice(1), 'did:key:' + KEY + '1', 'did:key:' + KEY + ':', 'did:key:1:' + KEY,
    'did:key:' + KEY.replace('k', '0'), 'did:key:u' + KEY, 'did:key:z' + '2'.repeat(400),
    'did:key:z' + '2'.repeat(4000),
    'did:key:%41', 'did:key:' + KEY + '%0a', 'urn:uuid:0', 'https://localhost',
    'did:nostr:', 'did:nostr:npub1', 'did:nostr:' + '0'.repeat(63),
    'did:web:', 'did:web:.', 'did:web:..', 'did:web:-', 'did:web:a..b', 'did:web:127.0.0.1', 'did:web:0x7f000001',
    'did:web:2130706433', 'did:web:%5B%3A%3A1%5D', 'did:web:localhost%3A', 'did:web:localhost%3A0',
    'did:web:localhost%3A65536', 'did:web:localhost%3A443%3A443', 'did:web:localhost::a', 'did:web:localhost:a:',
    'did:web:localhost:..', 'did:web:localhost:%2e%2e', 'did:web:localhost:a%2Fb', 'did:web:localhost:a%3Fb',
    'did:web:localhost:a%23b', 'did:web:user%40localhost', 'did:web:localhost%2Fa', 'did:web:localhost:.well-known',
    'did:web:localhost' + ':a'.repeat(17), 'did:web:' + 'a'.repeat(64), 'did:web:' + 'a.'.repeat(250) + 'a'
  ]
  for (const did of refused) {
    await ours.refuses(did, 400, 'invalidDid')
  }
  for (let size = 1; size < KEY.length; size++) {
    const { status } = await ours.resolve(`did:key:${KEY.slice(0, size)}`)
    check(status === 400 || status === 501, `did:key cut after ${size} characters`, status)
  }
  for (const did of ['did:key:%zz', 'did:key:%', 'did:key:' + KEY + '%00', '%2e%2e', '..']) {
    const answer = await ours.resolve(did)
    check(answer.status === 400 && answer.type === 'application/problem+json', `no path: ${did}`, answer)
  }
  for (const did of ['did:example:123', 'did:plc:abc', 'did:ethr:0x1', 'did:webs:localhost', 'did:keyz:' + KEY]) {
    await ours.refuses(did, 501, 'methodNotSupported')
  }
  for (const url of [`did:key:${KEY}/path`, `did%3Akey%3A${KEY}%23${KEY}`, `did%3Akey%3A${KEY}%3Fversion%3D1`]) {
    await ours.refuses(url, 501, 'featureNotSupported', 'did_url')
  }
  const encoded = await ours.resolve(`did%3Akey%3A${KEY}`)
  check(encoded.status === 200 && encoded.body.didDocument.id === `did:key:${KEY}`, 'an encoded DID is decoded')
  console.log('  ok: what is no DID, and methods that are not ours')
}

// The table of forms in protocols/did/README.md.
export async function forms (ours) {
  const ld = 'application/ld+json;profile="https://w3id.org/did-resolution"'
  const result = ['application/did-resolution', '*/*', undefined, ld, 'application/json']
  const document = ['application/did+ld+json', 'application/did', 'application/ld+json', 'application/did+json']
  const did = `did:key:${KEY}`
  for (const accept of [...result, ...document]) {
    const answer = await ours.resolve(did, accept)
    const what = `Accept: ${accept}`
    check(answer.status === 200 && /accept/i.test(answer.headers.vary), what, answer)
    check(answer.headers['access-control-allow-origin'] === '*', `${what} for a browser`, answer.headers)
    const whole = result.includes(accept)
    check((whole ? answer.body.didDocument : answer.body).id === did, what, answer.body)
    check(answer.type === (accept === undefined || accept === '*/*' ? result[0] : accept), what, answer.type)
    check(('@context' in answer.body) === (accept === ld || (!whole && accept !== 'application/did+json')), what,
      answer.body)
  }
  const answer = await ours.resolve(did, 'text/html')
  check(answer.status === 406 && answer.body.didResolutionMetadata.error === 'representationNotSupported',
    'Accept: text/html', answer)
  console.log('  ok: all forms that Accept may ask for')
}
