// A stock js-libp2p node against interop_libp2p_node: either dials the other, each pings the other and has it echo
// 1 MiB, with the muxer agreed on inside of the Noise handshake and after it; and each refuses a peer that is not the
// one it called, or has no muxer of its own. Every wait has a limit; ends with exit code 0 or 1.
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

// How js agreed on its muxers: by multistream-select it negotiates, early it does not.
const negotiated = { inbound: 0, outbound: 0 }

// Counts what the upgrader of `node` negotiates after the handshake; both methods are its own.
function countNegotiations (node) {
  const upgrader = node.components.upgrader
  for (const [direction, method] of [['inbound', '_multiplexInbound'], ['outbound', '_multiplexOutbound']]) {
    const original = upgrader[method]
    if (typeof original !== 'function') throw new Error(`js-libp2p's upgrader has no ${method}`)
    upgrader[method] = function (...args) {
      negotiated[direction]++
      return original.apply(this, args)
    }
  }
}

// noise() that offers no muxers and looks at none, as js-libp2p itself does for transports that have their own.
function lateNoise () {
  return components => {
    const encrypter = noise()(components)
    const late = secure => (connection, options) =>
      secure.call(encrypter, connection, { ...options, skipStreamMuxerNegotiation: true })
    encrypter.secureInbound = late(encrypter.secureInbound)
    encrypter.secureOutbound = late(encrypter.secureOutbound)
    return encrypter
  }
}

// noise() that offers and knows the muxers of its node under other names than theirs.
function strangeNoise () {
  return components => {
    const strange = () =>
      new Map([...components.upgrader.getStreamMuxers()].map(([name, muxer]) => [`/x${name}`, muxer]))
    return noise()(Object.create(components, { upgrader: { value: { getStreamMuxers: strange } } }))
  }
}

async function theirs (listens, encrypter = noise()) {
  const node = await createLibp2p({
    addresses: { listen: listens ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() }
  })
  countNegotiations(node)
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

// Which way the muxer was agreed on, as ours says and as js did.
async function checkMuxer (ours, early, direction) {
  const said = await ours.next('muxed')
  check(said.early === early, `ours says that the muxer came ${early ? 'early' : 'by multistream'}`)
  check(negotiated[direction] === (early ? 0 : 1), `js negotiated it ${early ? 'no more' : 'once'} after the handshake`)
  negotiated[direction] = 0
}

async function jsDialsOurs (words, encrypter, early) {
  const ours = new Ours('listen', ...words)
  const node = await theirs(false, encrypter)
  const { address } = await ours.next('listening')
  const connection = await within(node.dial(multiaddr(address)), 'dial')
  check((await ours.next('secured')).peer === node.peerId.toString(), 'ours knows who js is')
  await checkMuxer(ours, early, 'outbound')
  await converse(node, connection, ours)
  await node.stop()
  check(await ours.stop() === 0, 'ours ends')
}

async function oursDialsJs (words, encrypter, early) {
  const node = await theirs(true, encrypter)
  const connected = new Promise(resolve => node.addEventListener('connection:open', e => resolve(e.detail)))
  const port = node.getMultiaddrs()[0].toString().split('/')[4]
  const ours = new Ours('dial', '127.0.0.1', port, ...words, '--expect', node.peerId.toString())
  const connection = await within(connected, 'their connection')
  await checkMuxer(ours, early, 'inbound')
  await converse(node, connection, ours)
  await node.stop()
  await ours.next('ended')
  check(await ours.stop() === 0, 'ours ends and had all it wanted')
}

async function muxers () {
  for (const [how, words, encrypter, early] of [
    ['both offer muxers', [], undefined, true],
    ['ours offers none', ['--late-muxer'], undefined, false],
    ['js offers none', [], lateNoise(), false]
  ]) {
    console.log(`js dials ours; ${how}`)
    await jsDialsOurs(words, encrypter, early)
    console.log(`ours dials js; ${how}`)
    await oursDialsJs(words, encrypter, early)
  }
}

async function noCommonMuxer () {
  console.log('no common muxer')
  const node = await theirs(true, strangeNoise())
  const port = node.getMultiaddrs()[0].toString().split('/')[4]
  const dialing = new Ours('dial', '127.0.0.1', port, '--expect', node.peerId.toString())
  check((await dialing.next('failed')).code === 'no_common_muxer', 'ours refuses a js that offers other muxers')
  check(await dialing.stop() === 1, 'ours ends')
  const listening = new Ours('listen')
  const { address } = await listening.next('listening')
  const refusal = await within(node.dial(multiaddr(address)).then(() => null, error => error), 'refusal')
  check(/no common muxers/.test(`${refusal?.message} ${(refusal?.errors ?? []).join(' ')}`), 'js refuses ours as well')
  check((await listening.next('failed')).code === 'no_common_muxer', 'ours, dialled, does too')
  await listening.stop()
  await node.stop()
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
  for (const part of [muxers, noCommonMuxer, wrongPeers]) await part()
  console.log('interop with js-libp2p: all well')
} catch (error) {
  console.error(error)
  code = 1
}
for (const child of children) child.kill('SIGKILL')
process.exit(code)
