// What the parts of the test share: checks that are counted, JSON in one form, and our node as a process, spoken to
// over its command line and over HTTPS with paths sent as they stand. Every wait has a limit.
import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { promisify } from 'node:util'

export const WAIT_MS_MAX = 20_000
const STARTS_MAX = 5 // a free port may be taken before the node has it
let checks = 0

export const checked = () => checks

export function check (ok, what, seen) {
  if (!ok) throw new Error(`failed: ${what}${seen === undefined ? '' : `: ${JSON.stringify(seen)}`}`)
  checks++
}

// Members sorted, so that equal documents are equal texts.
export function canonical (value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}

export function checkSame (ours, theirs, what) {
  check(canonical(ours) === canonical(theirs), what, { ours, theirs })
}

export function within (promise, what) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`too late: ${what}`)), WAIT_MS_MAX)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export async function until (what, condition) {
  const end = Date.now() + WAIT_MS_MAX
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`too late: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

// As many at a time, and no more.
export async function all (items, run, width = 16) {
  const left = [...items]
  await Promise.all(Array.from({ length: width }, async () => {
    while (left.length > 0) await run(left.shift())
  }))
}

export async function freePort () {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

// Our node, with its edge at https://localhost:PORT. `certificates` is the directory that `run` filled.
export class Ours {
  constructor (binary, certificates) {
    this.binary = binary
    this.certificates = certificates
    this.dir = `${certificates}/cluster`
    this.agent = new Agent({ keepAlive: true, maxSockets: 200 })
  }

  get origin () { return `https://localhost:${this.port}` }
  get did () { return `did:web:localhost%3A${this.port}` }

  async cli (...args) {
    const { stdout } = await within(
      promisify(execFile)(this.binary, [...args, '--dir', this.dir, '--json']), `kith ${args.join(' ')}`)
    return JSON.parse(stdout)
  }

  // The port of the first start is kept, and with it the DIDs.
  async start (settings) {
    for (let tries = 1; ; tries++) {
      const port = this.port ?? await freePort()
      const error = await this.startAt(port, settings)
      if (error === null) {
        this.port = port
        return this
      }
      if (tries === STARTS_MAX || this.port) throw new Error(`the node does not start: ${error}\n${this.log()}`)
    }
  }

  async startAt (port, settings) {
    const env = {
      PATH: process.env.PATH,
      KITH_LINK_LISTEN: '127.0.0.1:0',
      KITH_EDGE_LISTEN: `127.0.0.1:${port}`,
      KITH_EDGE_PUBLIC_URL: `https://localhost:${port}`,
      KITH_EDGE_CERTIFICATE_FILE: `${this.certificates}/localhost.pem`,
      KITH_EDGE_KEY_FILE: `${this.certificates}/localhost.key`,
      ...settings
    }
    const log = openSync(`${this.certificates}/node.log`, 'a')
    this.child = spawn(this.binary, ['run', '--node', 'n1', '--dir', this.dir], { env, stdio: ['ignore', log, log] })
    closeSync(log)
    this.exited = new Promise(resolve => {
      this.child.once('exit', (code, signal) => resolve(code ?? signal))
      this.child.once('error', error => resolve(`${error}`))
    })
    let over = null
    this.exited.then(code => { over = `it ended with ${code}` })
    return until('the node being ready', async () => {
      if (over !== null) return { over }
      const ready = await this.get('/readyz', {}, port).catch(() => ({ status: 0 }))
      return ready.status === 200 && { over: null }
    }).then(({ over }) => over, error => error.message)
  }

  running () { return this.child.exitCode === null && this.child.signalCode === null }

  async stop () {
    this.child.kill('SIGTERM')
    return within(this.exited, 'the end of the node')
  }

  kill () { this.child?.kill('SIGKILL') }

  log () {
    try {
      return readFileSync(`${this.certificates}/node.log`, 'utf8').slice(-5000)
    } catch {
      return '(no log)'
    }
  }

  // The path goes out as it stands, which fetch() would not do. `signal` makes it hang up.
  get (path, headers = {}, port = this.port, signal = undefined) {
    return within(new Promise((resolve, reject) => {
      const asked = request({ agent: this.agent, host: 'localhost', port, path, headers, signal }, answer => {
        const parts = []
        answer.on('data', part => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          const type = answer.headers['content-type'] ?? ''
          resolve({
            status: answer.statusCode,
            headers: answer.headers,
            type,
            text,
            body: /json|did/.test(type) ? JSON.parse(text) : undefined
          })
        })
      })
      asked.on('error', reject)
      asked.end()
    }), `the answer to ${path}`)
  }

  resolve (did, accept) {
    return this.get(`/1.0/identifiers/${did}`, accept === undefined ? {} : { accept })
  }

  // The document, by both routes.
  async document (did) {
    const result = await this.resolve(did)
    check(result.status === 200 && result.type === 'application/did-resolution', `ours resolves ${did}`, result)
    check(canonical(result.body.didDocumentMetadata) === '{}', `nothing beside the document of ${did}`, result.body)
    const alone = await this.get(`/api/did/${did}`)
    check(alone.status === 200 && alone.type === 'application/did+ld+json', `ours has the document of ${did}`, alone)
    checkSame(alone.body, result.body.didDocument, `both routes have one document of ${did}`)
    return alone.body
  }

  // Refused by both routes, with a resolution result.
  async refuses (did, status, error, code) {
    for (const path of [`/1.0/identifiers/${did}`, `/api/did/${did}`]) {
      const answer = await this.get(path)
      const what = `${path.slice(0, 200)} is ${status} ${error} ${code ?? ''}`
      check(answer.status === status && answer.type === 'application/did-resolution', what, answer)
      const { didDocument, didResolutionMetadata: metadata } = answer.body
      check(didDocument === null && metadata.error === error, what, answer.body)
      check(code === undefined || metadata.problemDetails.code === code, what, answer.body)
    }
  }

  // The values of a metric by one of its labels.
  async metric (name, label) {
    const { text } = await this.get('/metrics')
    const values = {}
    for (const [, labels, value] of text.matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\S+)$`, 'gm'))) {
      values[new RegExp(`${label}="([^"]*)"`).exec(labels)[1]] = Number(value)
    }
    return values
  }
}
