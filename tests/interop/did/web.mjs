// did:web both ways: the documents of our node and of its agents as others resolve them over HTTPS, and a Veramo client
// of our resolver, for our documents, somebody else's and those of the other methods.
import { driver as keyDriver } from '@digitalbazaar/did-method-key'
import { driver as webDriver } from '@digitalbazaar/did-method-web'
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey'
import { getUniversalResolverFor } from '@veramo/did-resolver'
import { Resolver } from 'did-resolver'
import { getResolver } from 'web-did-resolver'
import { documentOf, text } from './host.mjs'
import { check, checkSame, within } from './support.mjs'

const BAZAAR_SIZE_MAX = 8192 // did-method-web's own limit of a document

const webDidResolver = new Resolver(getResolver())

function bazaar () {
  const made = webDriver()
  made.use({ multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from })
  return made
}

// One of our documents, that says `key` is its subject's.
async function resolvedByOthers (ours, did, path, key) {
  const served = await ours.get(path)
  check(served.status === 200 && served.type === 'application/did+ld+json', `ours serves ${path}`, served)
  check(served.text.length <= BAZAAR_SIZE_MAX, `${path} is no larger than others take`, served.text.length)
  checkSame(await ours.document(did), served.body, `ours resolves what it serves at ${path}`)

  const { didDocument, didResolutionMetadata } = await within(webDidResolver.resolve(did), `web-did-resolver, ${did}`)
  check(didResolutionMetadata.error === undefined, `web-did-resolver resolves ${did}`, didResolutionMetadata)
  checkSame(didDocument, served.body, `web-did-resolver has the document at ${path}`)

  const web = bazaar()
  const document = await within(web.get({ did }), `did-method-web, ${did}`)
  checkSame(document, served.body, `did-method-web has the document at ${path}`)
  const method = web.publicMethodFor({ didDocument: document, purpose: 'authentication' })
  check((await Ed25519Multikey.from(method)).publicKeyMultibase === key, `the key of ${did}`, method)
  const node = await web.get({ did: method.id })
  check(node.publicKeyMultibase === key && node['@context'], `the fragment ${method.id}`, node)
  checkSame(document.alsoKnownAs, [`did:key:${key}`], `${did} is known as a did:key`)

  // But for what only we say, it is what did-method-web makes of the key for that place.
  const { alsoKnownAs, service, ...same } = document
  const url = `${ours.origin}${path}`
  const { didDocument: made } = await web.fromKeyPair({ url, verificationKeyPair: await Ed25519Multikey.from(method) })
  checkSame(same, made, `did-method-web makes the same for ${url}`)
  check(service.every(({ id, serviceEndpoint }) => id.startsWith(`${did}#`) && serviceEndpoint.startsWith(ours.origin)),
    `the services of ${did}`, service)
  return document
}

export async function servedByUs (ours, names) {
  const { body: { node } } = await ours.get('/version')
  await resolvedByOthers(ours, ours.did, '/.well-known/did.json', node.replace('did:key:', ''))
  const agents = await ours.cli('agents')
  for (const name of names) {
    const { did } = agents.find(agent => agent.name === name)
    await resolvedByOthers(ours, `${ours.did}:agents:${name}`, `/agents/${name}/did.json`, did.replace('did:key:', ''))
  }

  const nobody = `${ours.did}:agents:nobody`
  check((await ours.get('/agents/nobody/did.json')).status === 404, 'no document of nobody')
  await ours.refuses(nobody, 404, 'notFound', 'unknown_agent')
  const { didResolutionMetadata } = await webDidResolver.resolve(nobody)
  check(didResolutionMetadata.error === 'notFound', 'web-did-resolver finds nobody', didResolutionMetadata)
  const refusal = await bazaar().get({ did: nobody }).then(() => null, error => error)
  check(refusal?.status === 404, 'did-method-web finds nobody', `${refusal}`)

  // There are agents without a name; none of their keys is the node's or a nameless agent's.
  await ours.refuses(`${ours.did}:agents:`, 400, 'invalidDid')
  await ours.refuses(`${ours.did}:agents::`, 400, 'invalidDid')
  await ours.refuses(`${ours.did}:agents:a%2Fb`, 400, 'invalidDid')
  await ours.refuses(`${ours.did}:agents:${'a'.repeat(600)}`, 400, 'invalidDid')
  await ours.refuses(`${ours.did}:agents:${names[0]}/x`, 501, 'featureNotSupported', 'did_url')
  await ours.refuses(`${ours.did}:agents:${names[0]}:x`, 404, 'notFound', 'unknown_agent')
  await ours.refuses(`${ours.did}:agents:${names[0].toUpperCase()}`, 404, 'notFound', 'unknown_agent')
  check((await ours.get('/agents//did.json')).status === 404, 'no document of a nameless agent')
  console.log('  ok: our did:web, by web-did-resolver and did-method-web')
}

// Somebody else's documents, made by did-method-web.
async function theirDocument (host, place) {
  const verificationKeyPair = await Ed25519Multikey.generate()
  const { didDocument } = await bazaar().fromKeyPair({ url: `https://localhost:${host.port}`, verificationKeyPair })
  const did = host.did(place)
  const document = JSON.parse(JSON.stringify(didDocument).replaceAll(didDocument.id, did))
  host.put(place, (_request, answer) => {
    answer.writeHead(200, { 'content-type': 'application/did+ld+json' }).end(JSON.stringify(document))
  })
  return document
}

export async function veramo (ours, host, fetches) {
  const resolver = new Resolver(getUniversalResolverFor(['key', 'web', 'nostr', 'example'],
    `${ours.origin}/1.0/identifiers/`))
  const resolve = did => within(resolver.resolve(did), `Veramo, ${did}`)
  const finds = async (did, document) => {
    const result = await resolve(did)
    check(result.didResolutionMetadata.error === undefined, `Veramo resolves ${did}`, result)
    check(result.didResolutionMetadata.contentType === 'application/did+ld+json', `the form of ${did}`, result)
    checkSame(result.didDocument, document, `Veramo has the document of ${did}`)
  }
  const key = (await Ed25519Multikey.generate()).publicKeyMultibase
  const bazaarKeys = keyDriver()
  bazaarKeys.use({ multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from })
  await finds(`did:key:${key}`, await bazaarKeys.get({ did: `did:key:${key}` }))
  await finds(ours.did, (await ours.get('/.well-known/did.json')).body)
  await finds(`${ours.did}:agents:ada`, (await ours.get('/agents/ada/did.json')).body)
  for (const place of ['', 'people/grace', 'a-b_c/D.e']) {
    const document = await theirDocument(host, place)
    await finds(document.id, document)
    await finds(document.id, document)
    check(host.times(place) === 1, `${document.id} is fetched once`, host.times(place))
    fetches.expect('ok')
    const { didDocument } = await webDidResolver.resolve(document.id)
    checkSame(didDocument, document, `web-did-resolver agrees on ${document.id}`)
  }
  const x = '124c0fa99407182ece5a24fad9b7f6674902fc422843d3128d38a0afbee0fdd2'
  await finds(`did:nostr:${x}`, await ours.document(`did:nostr:${x}`))

  const fails = async (did, error) => {
    const { didDocument, didResolutionMetadata } = await resolve(did)
    check(didDocument === null && didResolutionMetadata.error === error, `Veramo is told ${error} of ${did}`,
      didResolutionMetadata)
  }
  await fails('did:key:z6Mk', 'invalidDid')
  await fails(`did:nostr:${'f'.repeat(64)}`, 'invalidDid')
  await fails('did:example:123', 'methodNotSupported')
  await fails(`${ours.did}:agents:nobody`, 'notFound')
  await fails(host.did('nobody'), 'notFound')
  fetches.expect('fetch_not_found')
  host.put('other', text(() => JSON.stringify(documentOf(host.did('another')))))
  await fails(host.did('other'), 'invalidDidDocument')
  fetches.expect('document_id')
  console.log('  ok: Veramo resolves through us')
}
