// Somebody else's web server, which has did:web documents and every way to misbehave in serving them. A place is a
// path; its DID is did:web:localhost%3APORT:<place>, and what is asked for at it is counted.
import { readFileSync } from 'node:fs'
import { createServer as createPlain } from 'node:http'
import { createServer } from 'node:https'

export class Host {
  // `certificate`: a name among those that `run` made; none: without TLS.
  constructor (certificates, certificate) {
    this.places = new Map()
    this.asked = new Map() // path -> count
    this.connections = 0
    this.held = []
    const handle = (request, answer) => this.handle(request, answer)
    const file = kind => readFileSync(`${certificates}/${certificate}.${kind}`)
    this.server = certificate
      ? createServer({ cert: file('pem'), key: file('key') }, handle)
      : createPlain(handle)
    this.server.on('connection', () => { this.connections++ })
    this.server.on('tlsClientError', () => {}) // a client that does not trust us is what some parts are about
  }

  async open () {
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve))
    this.port = this.server.address().port
    return this
  }

  close () {
    this.server.closeAllConnections()
    this.server.close()
  }

  // Without a place: of the host itself.
  did (place) { return `did:web:localhost%3A${this.port}${place ? `:${place.replaceAll('/', ':')}` : ''}` }
  path (place) { return place ? `/${place}/did.json` : '/.well-known/did.json' }
  url (place) { return `https://localhost:${this.port}${this.path(place)}` }
  times (place) { return this.asked.get(this.path(place)) ?? 0 }

  // `serve` gets the request, the answer and the DID. Gives the DID.
  put (place, serve) {
    const did = this.did(place)
    this.places.set(this.path(place), (request, answer) => serve(request, answer, did))
    return did
  }

  handle (request, answer) {
    answer.on('error', () => {}) // the node may go at any time
    this.asked.set(request.url, (this.asked.get(request.url) ?? 0) + 1)
    const serve = this.places.get(request.url)
    if (serve) return serve(request, answer)
    answer.writeHead(404).end()
  }

  // Waits with its answer until release().
  hold (serve) {
    return (...args) => { this.held.push(() => serve(...args)) }
  }

  release () {
    for (const serve of this.held.splice(0)) serve()
  }
}

export const KEY = 'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'

export const documentOf = (did, more = {}) => ({
  '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
  id: did,
  verificationMethod: [{ id: `${did}#k`, type: 'Multikey', controller: did, publicKeyMultibase: KEY }],
  assertionMethod: [`${did}#k`],
  ...more
})

// Ways to serve.
export const text = (body, type = 'application/did+ld+json') => (_request, answer, did) => {
  answer.writeHead(200, { 'content-type': type }).end(typeof body === 'function' ? body(did) : body)
}
export const good = (type, more) => text(did => JSON.stringify(documentOf(did, more)), type)
export const status = code => (_request, answer) => answer.writeHead(code).end()
export const redirect = (to, code = 302) => (_request, answer) => answer.writeHead(code, { location: to }).end()
// A document of exactly so many bytes.
export const sized = size => text(did => JSON.stringify(documentOf(did)).padEnd(size, ' '))
