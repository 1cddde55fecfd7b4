// What the hosts of did:web documents may do to our node: each misdeed has its answer, is counted, and leaves the node
// as it was.
import { createServer } from 'node:net'
import { documentOf, good, Host, KEY, redirect, sized, status, text } from './host.mjs'
import { check, freePort, until } from './support.mjs'

const DOCUMENT_SIZE_MAX = 65_536 // protocols/did/document.hpp
const FETCHES_MAX = 64 // actors/edge/adapters/did.cpp
const SENT_MAX = 8 << 20 // of an endless document before we hang up: what sockets on both sides may hold

// The fetches that ought to have happened, by what came of them; `unreachable` and the like have their codes.
export class Fetches {
  constructor () { this.counts = {} }
  expect (outcome, count = 1) { this.counts[outcome] = (this.counts[outcome] ?? 0) + count }

  async check (ours) {
    const counted = await ours.metric('kith_edge_did_fetches_total', 'outcome')
    const sorted = counts => JSON.stringify(Object.entries(counts).sort())
    check(sorted(counted) === sorted(this.counts), 'every fetch is counted by its outcome',
      { counted, expected: this.counts })
  }
}

// name: [how it is served, our status, the error, its code]; without a status it is resolved.
const places = host => ({
  good: [good()],
  'good-json': [good('application/json')],
  'good-did-json': [good('application/did+json; charset=utf-8')],
  'good-plain': [good('text/plain')],
  largest: [sized(DOCUMENT_SIZE_MAX)],
  larger: [sized(DOCUMENT_SIZE_MAX + 1), 500, 'invalidDidDocument', 'fetch_too_large'],
  declared: [(_request, answer) => answer.writeHead(200, { 'content-length': 1e9 }).write('{'),
    500, 'invalidDidDocument', 'fetch_too_large'],
  html: [text('<html></html>', 'text/html'), 500, 'invalidDidDocument', 'fetch_content_type'],
  'no-json': [text('{"id":'), 500, 'invalidDidDocument', 'bad_json'],
  nothing: [text(''), 500, 'invalidDidDocument', 'bad_json'],
  doubled: [text(did => `{"id":"${did}",${JSON.stringify(documentOf(did)).slice(1)}`),
    500, 'invalidDidDocument', 'bad_json'],
  'not-utf-8': [text(did => Buffer.from(JSON.stringify(documentOf(did, { x: '\u00ff' })), 'latin1')),
    500, 'invalidDidDocument', 'bad_json'],
  deep: [text(did => `{"id":"${did}","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
    500, 'invalidDidDocument', 'bad_json'],
  array: [text('[]'), 500, 'invalidDidDocument', 'bad_document'],
  'no-id': [good(undefined, { id: undefined }), 500, 'invalidDidDocument', 'bad_document'],
  'anothers-method': [good(undefined, { id: host.did('anothers-METHOD') }), 500, 'invalidDidDocument', 'bad_document'],
  'two-of-one-id': [text(did => {
    const document = documentOf(did)
    document.verificationMethod.push(document.verificationMethod[0])
    return JSON.stringify(document)
  }), 500, 'invalidDidDocument', 'bad_document'],
  'another-case': [text(() => JSON.stringify(documentOf(host.did('another-CASE')))),
    500, 'invalidDidDocument', 'document_id'],
  400: [status(400), 404, 'notFound', 'fetch_not_found'],
  403: [status(403), 404, 'notFound', 'fetch_not_found'],
  404: [status(404), 404, 'notFound', 'fetch_not_found'],
  500: [status(500), 500, 'internalError', 'fetch_status'],
  503: [status(503), 500, 'internalError', 'fetch_status'],
  204: [status(204), 500, 'internalError', 'fetch_status'],
  304: [status(304), 500, 'internalError', 'fetch_status'],
  truncated: [(_request, answer) => {
    answer.writeHead(200, { 'content-length': 1000 }).write('{"id":')
    setTimeout(() => answer.destroy(), 10)
  }, 500, 'internalError', 'fetch_unreachable'],
  'no-http': [(request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 500, 'internalError', 'fetch_unreachable'],
  'to-itself': [redirect(host.url('to-itself')), 404, 'notFound', 'fetch_redirects'],
  'circle-1': [redirect(host.url('circle-2'), 307), 404, 'notFound', 'fetch_redirects'],
  'circle-2': [redirect('/circle-1/did.json', 301), 404, 'notFound', 'fetch_redirects'],
  'hops-1': [redirect('/hops-2/did.json', 301)],
  'hops-2': [redirect('../hops-3/did.json', 307)],
  'hops-3': [redirect(host.url('hops-4'), 308)],
  'to-http': [redirect(`http://localhost:${host.port}/good/did.json`), 404, 'notFound', 'fetch_redirects'],
  'to-ftp': [redirect('ftp://localhost/did.json'), 404, 'notFound', 'fetch_redirects'],
  'to-nowhere': [status(302), 500, 'internalError', 'fetch_status'],
  'to-a-user': [redirect(host.url('good').replace('//', '//user:word@')), 500, 'internalError', 'fetch_unreachable'],
  'to-a-closed-port': [redirect('https://localhost:1/did.json'), 500, 'internalError', 'fetch_unreachable']
})

async function eachPlace (ours, host, fetches) {
  const all = places(host)
  for (const [place, [serve]] of Object.entries(all)) host.put(place, serve)
  // Where three hops lead, which is as many as are followed; one that starts a hop earlier does not arrive.
  host.put('hops-4', text(() => JSON.stringify(documentOf(host.did('hops-1')))))
  host.put('hops-0', redirect('/hops-1/did.json', 303))
  delete all['hops-2'], delete all['hops-3']
  all['hops-0'] = [null, 404, 'notFound', 'fetch_redirects']
  for (const [place, [, code, error, why]] of Object.entries(all)) {
    const did = host.did(place)
    const before = host.times(place)
    if (code) {
      await ours.refuses(did, code, error, why)
    } else {
      const document = await ours.document(did)
      check(document.id === did, `the document of ${did}`, document)
    }
    fetches.expect(why ?? 'ok')
    const asked = host.times(place) - before
    check(asked === 1, `${did} is fetched once for two who ask`, asked)
  }
  await fetches.check(ours)
  console.log(`  ok: ${Object.keys(all).length} ways to serve a document`)
}

async function gone (ours, host, fetches) {
  const did = host.put('gone', status(410))
  const answer = await ours.resolve(did)
  check(answer.status === 410 && answer.body.didDocumentMetadata.deactivated === true, 'what is gone', answer)
  check(answer.body.didDocument === null && !answer.body.didResolutionMetadata.error, 'is no error', answer.body)
  fetches.expect('deactivated')
}

// Bodies and heads without an end, and those that come too slowly; meanwhile others are answered.
async function endless (ours, host, fetches) {
  let sent = 0
  const part = Buffer.alloc(16_384, ' ')
  let hungUp
  const over = new Promise(resolve => { hungUp = resolve })
  const flood = host.put('endless', (_request, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.once('close', hungUp)
    const more = () => {
      while (!answer.destroyed && sent < 4 * SENT_MAX) {
        sent += part.length
        if (!answer.write(part)) return answer.once('drain', more)
      }
    }
    more()
  })
  const heads = host.put('heads', request => {
    const { socket } = request
    socket.write('HTTP/1.1 200 OK\r\n')
    const more = () => socket.writable && socket.write(`X-${'a'.repeat(1000)}: b\r\n`, more)
    socket.on('error', () => {})
    more()
  })
  await ours.refuses(flood, 500, 'invalidDidDocument', 'fetch_too_large')
  await over
  check(sent < SENT_MAX, 'an endless document is not read to its end', sent)
  await ours.refuses(heads, 500, 'invalidDidDocument', 'fetch_too_large')
  fetches.expect('fetch_too_large', 2)

  // One says nothing, one a little at a time, and one does not even shake hands.
  const timers = []
  const silent = host.put('silent', () => {})
  const trickle = host.put('trickle', (_request, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' })
    timers.push(setInterval(() => answer.write(' '), 50))
  })
  const sockets = []
  const mute = createServer(socket => {
    socket.on('error', () => {})
    sockets.push(socket)
  })
  await new Promise(resolve => mute.listen(0, '127.0.0.1', resolve))
  const slow = [silent, trickle, `did:web:localhost%3A${mute.address().port}`]
    .map(did => ours.refuses(did, 500, 'internalError', 'fetch_timeout'))
  await until('all being asked',
    () => host.times('silent') === 1 && host.times('trickle') === 1 && sockets.length === 1)
  const quick = ours.document(`did:key:${KEY}`)
  const first = await Promise.race([quick.then(() => 'quick'), ...slow.map(one => one.then(() => 'slow'))])
  check(first === 'quick', 'who asks for another waits for no slow host', first)
  await Promise.all(slow)
  timers.forEach(clearInterval)
  mute.close()
  fetches.expect('fetch_timeout', 3)
  console.log('  ok: endless and slow hosts')
}

async function unreachable (ours, certificates, fetches) {
  const stranger = await new Host(certificates, 'stranger').open()
  const elsewhere = await new Host(certificates, 'elsewhere').open()
  const plain = await new Host(certificates).open()
  for (const host of [stranger, elsewhere, plain]) {
    await ours.refuses(host.put('', good()), 500, 'internalError', 'fetch_unreachable')
    check(host.connections > 0 && host.times('') === 0, 'who cannot show a good certificate is not asked')
    host.close()
  }
  await ours.refuses(`did:web:localhost%3A${await freePort()}`, 500, 'internalError', 'fetch_unreachable')
  fetches.expect('fetch_unreachable', 4)
  // Its error depends on the machine's resolver, which may be slow to say no.
  const unknown = await ours.resolve('did:web:kith.invalid')
  const { error, problemDetails: { code } } = unknown.body.didResolutionMetadata
  check(unknown.status === 500 && error === 'internalError' && /^fetch_(unreachable|timeout)$/.test(code),
    'a host that does not exist', unknown)
  fetches.expect(code)
  console.log('  ok: hosts that cannot be reached or trusted')
}

// One fetch for all who ask for the same; so many fetches at a time and no more.
async function crowd (ours, host, fetches) {
  const asked = async () => (await ours.metric('kith_edge_requests_total', 'route')).resolve ?? 0
  const shared = host.put('shared', host.hold(good()))
  const before = await asked()
  const crowd = Array.from({ length: 50 }, () => ours.resolve(shared))
  await until('all having asked', async () => await asked() === before + crowd.length && host.held.length > 0)
  host.release()
  for (const answer of await Promise.all(crowd)) check(answer.status === 200, 'each of a crowd is answered', answer)
  check(host.times('shared') === 1, 'a crowd has its document fetched once', host.times('shared'))
  fetches.expect('ok')

  // Who hangs up has asked nevertheless; the others have their answers.
  const left = host.put('left', host.hold(good()))
  const hangUp = new AbortController()
  const leaving = ours.get(`/1.0/identifiers/${left}`, {}, undefined, hangUp.signal)
    .then(() => 'answered', () => 'left')
  await until('the fetch', () => host.held.length === 1)
  const staying = ours.resolve(left)
  await until('both having asked', async () => await asked() === before + crowd.length + 2)
  hangUp.abort()
  check(await leaving === 'left', 'one hangs up')
  host.release()
  check((await staying).status === 200 && host.times('left') === 1, 'the other is answered')
  fetches.expect('ok')

  const dids = Array.from({ length: FETCHES_MAX }, (_, i) => host.put(`held-${i}`, host.hold(good())))
  const answers = dids.map(did => ours.resolve(did))
  await until('as many fetches as may be', () => host.held.length === FETCHES_MAX)
  const more = await ours.resolve(host.put('more', good()))
  check(more.status === 503 && more.body.code === 'too_many_fetches' && more.headers['retry-after'],
    'one more is told to come again', more)
  const again = ours.resolve(dids[0])
  check((await ours.resolve(`did:key:${KEY}`)).status === 200,
    'what needs no fetch is resolved')
  check((await ours.resolve(ours.did)).status === 200, 'and what we serve ourselves')
  host.release()
  for (const answer of await Promise.all([...answers, again])) check(answer.status === 200, 'the others had theirs')
  await ours.document(host.did('more'))
  fetches.expect('ok', FETCHES_MAX + 1)
  console.log(`  ok: ${FETCHES_MAX} fetches at a time`)
}

export async function misdeeds (ours, host, certificates, fetches) {
  await eachPlace(ours, host, fetches)
  await gone(ours, host, fetches)
  await endless(ours, host, fetches)
  await unreachable(ours, certificates, fetches)
  await crowd(ours, host, fetches)
  await fetches.check(ours)
}

// With edge.fetch_private off, as it is unless a test says otherwise.
export async function privateAddresses (ours, host, fetches) {
  const before = host.connections
  for (const did of [host.did('good'), host.did(''), 'did:web:localhost', 'did:web:localhost%3A1']) {
    await ours.refuses(did, 404, 'notFound', 'fetch_not_allowed')
    fetches.expect('fetch_not_allowed')
  }
  check(host.connections === before, 'nothing connects to a private address')
  check((await ours.resolve(ours.did)).status === 200, 'what we serve ourselves needs no fetch')
  await fetches.check(ours)
  console.log('  ok: private addresses')
}

// Without edge.ca_file.
export async function withoutAuthority (ours, host, fetches) {
  await ours.refuses(host.did('good'), 500, 'internalError', 'fetch_unreachable')
  fetches.expect('fetch_unreachable')
  await fetches.check(ours)
  console.log('  ok: without our authority')
}

// For the node to be stopped in it.
export async function leaveOneUnderWay (ours, host) {
  const did = host.put('at-the-end', () => {})
  ours.resolve(did).catch(() => {}) // answered or hung up on, as the stop has it
  await until('the last fetch', () => host.times('at-the-end') === 1)
}
