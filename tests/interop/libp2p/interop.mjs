// A stock js-libp2p node against interop_libp2p_node: either dials the other, each pings the other and has it echo
// 1 MiB, and each refuses a peer that is not the one it called. Every wait has a limit; ends with exit code 0 or 1.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const ECHO = '/kith/echo/1'
const ECHO_SIZE = 1 << 20
const PINGS = 3
const WAIT_MS_MAX = 20_000
const binary = process.argv[2]
const children = new Set()

function check (ok, what) {
  if (!ok) throw new Error(`failed: ${what}`)
  console.log(`  ok: ${what}`)
}

function within (promise, what) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`too late: ${what}`)), WAIT_MS_MAX)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// Our program; `next(event)` waits for a line with that event and remembers all others.
class Ours {
  constructor (...args) {
    this.lines = []
    this.waiting = []
    this.child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    children.add(this.child)
    this.exited = new Promise(resolve => {
      const end = code => {
        children.delete(this.child)
        resolve(code)
      }
      this.child.once('exit', end)
      this.child.once('error', error => end(`${error}`))
    })
    createInterface({ input: this.child.stdout }).on('line', line => {
      this.lines.push(JSON.parse(line))
      this.waiting.forEach(look => look())
    })
  }

  next (event) {
    return within(new Promise(resolve => {
      const look = () => {
        const at = this.lines.findIndex(line => line.event === event)
        if (at < 0) return
        this.waiting = this.waiting.filter(other => other !== look)
        resolve(this.lines.splice(at, 1)[0])
      }
      this.waiting.push(look)
      look()
    }), `our ${event}; so far ${JSON.stringify(this.lines)}`)
  }

  async stop () {
    this.child.stdin.end()
    return within(this.exited, 'our exit')
  }
}

async function theirs (listens) {
  const node = await createLibp2p({
    addresses: { listen: listens ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
  await node.handle(ECHO, async stream => {
    for await (const part of stream) {
      if (!stream.send(part)) await stream.onDrain({ signal: AbortSignal.timeout(WAIT_MS_MAX) })
    }
    await stream.close({ signal: AbortSignal.timeout(WAIT_MS_MAX) })
  })
  return node
}

// js asks ours to echo: all is sent while the answer is being read.
async function echoFrom (connection) {
  const signal = AbortSignal.timeout(WAIT_MS_MAX)
  const stream = await connection.newStream(ECHO, { signal })
  const body = randomBytes(ECHO_SIZE)
  const answer = []
  const reading = (async () => {
    for await (const part of stream) answer.push(Buffer.from(part.subarray()))
  })()
  for (let at = 0; at < body.length; at += 50_000) {
    if (!stream.send(body.subarray(at, at + 50_000))) await stream.onDrain({ signal })
  }
  await stream.close({ signal })
  await within(reading, 'the echo')
  return Buffer.concat(answer).equals(body)
}

async function converse (node, connection, ours) {
  for (let i = 0; i < PINGS; i++) {
    await node.services.ping.ping(connection.remotePeer, { signal: AbortSignal.timeout(WAIT_MS_MAX) })
  }
  check(true, `js pings ours ${PINGS} times`)
  check(await echoFrom(connection), 'ours echoes 1 MiB to js')
  for (let i = 0; i < PINGS; i++) await ours.next('pong')
  check(true, `ours pings js ${PINGS} times`)
  check((await ours.next('echoed')).right, 'js echoes 1 MiB to ours')
  check((await ours.next('identified')).agent.startsWith('js-libp2p/'), 'ours identifies js')
  const told = await within(node.services.identify.identify(connection), 'identify')
  check(told.agentVersion === 'kith-interop/1' && told.protocols.includes(ECHO), 'js identifies ours')
}

async function jsDialsOurs () {
  console.log('js dials ours')
  const ours = new Ours('listen')
  const node = await theirs(false)
  const { address } = await ours.next('listening')
  const connection = await within(node.dial(multiaddr(address)), 'dial')
  check((await ours.next('secured')).peer === node.peerId.toString(), 'ours knows who js is')
  await converse(node, connection, ours)
  await node.stop()
  check(await ours.stop() === 0, 'ours ends')
}

async function oursDialsJs () {
  console.log('ours dials js')
  const node = await theirs(true)
  const connected = new Promise(resolve => node.addEventListener('connection:open', e => resolve(e.detail)))
  const port = node.getMultiaddrs()[0].toString().split('/')[4]
  const ours = new Ours('dial', '127.0.0.1', port, '--expect', node.peerId.toString())
  await converse(node, await within(connected, 'their connection'), ours)
  await node.stop()
  await ours.next('ended')
  check(await ours.stop() === 0, 'ours ends and had all it wanted')
}

async function wrongPeers () {
  console.log('wrong peer ids')
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const node = await theirs(true)
  const port = node.getMultiaddrs()[0].toString().split('/')[4]

  const dialing = new Ours('dial', '127.0.0.1', port, '--expect', other)
  check((await dialing.next('failed')).code === 'wrong_peer', 'ours refuses a js that it did not call')
  check(node.getConnections().length === 0, 'js has no connection from it')
  check(await dialing.stop() === 1, 'ours ends')

  const listening = new Ours('listen')
  const { address } = await listening.next('listening')
  const refusal = await within(
    node.dial(multiaddr(address.replace(/p2p\/.*/, `p2p/${other}`))).then(() => null, error => error), 'refusal')
  const why = refusal === null ? 'it did not' : `${refusal.message} ${(refusal.errors ?? []).join(' ')}`
  check(/does not match expected/.test(why), `js refuses ours when it is not the one called: ${why}`)
  check(!listening.lines.some(line => line.event === 'secured'), 'ours was told nothing by it')
  await listening.stop()

  const picky = new Ours('listen', '--expect', other)
  const picked = await picky.next('listening')
  node.dial(multiaddr(picked.address)).catch(() => {})
  check((await picky.next('failed')).code === 'wrong_peer', 'ours, listening for another, refuses js')
  await picky.stop()
  await node.stop()
}

let code = 0
try {
  for (const part of [jsDialsOurs, oursDialsJs, wrongPeers]) await part()
  console.log('interop with js-libp2p: all well')
} catch (error) {
  console.error(error)
  code = 1
}
for (const child of children) child.kill('SIGKILL')
process.exit(code)
