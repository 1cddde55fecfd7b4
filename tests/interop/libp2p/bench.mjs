// The baseline of the row libp2p_stream of `kith bench`: messages over one stream between two js-libp2p processes with
// TCP, Noise and yamux, as they come. The same bytes as tools/bench/libp2p_stream.cpp: 8 bytes say how many follow, one
// byte comes back when all have arrived. Each message is a send of its own.
//
//   node bench.mjs listen              prints its address, serves until its input ends
//   node bench.mjs dial ADDRESS COUNT SIZE   prints messages a second, after an eighth of them to warm up
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/kith/bench/1'
const PATIENCE_MS = 60_000 // on a busy machine js-libp2p's own limits are too short
const [role, address, count, size] = process.argv.slice(2)

function create (listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: {
      dialTimeout: PATIENCE_MS,
      inboundUpgradeTimeout: PATIENCE_MS,
      outboundUpgradeTimeout: PATIENCE_MS,
      inboundStreamProtocolNegotiationTimeout: PATIENCE_MS,
      outboundStreamProtocolNegotiationTimeout: PATIENCE_MS
    }
  })
}

async function serve (stream) {
  let head = Buffer.alloc(0)
  let wanted = 0n
  for await (const part of stream) {
    let left = BigInt(part.byteLength)
    let at = 0
    while (left > 0n) {
      if (wanted === 0n) {
        const more = part.subarray(at, at + 8 - head.length)
        head = Buffer.concat([head, more])
        at += more.byteLength
        left -= BigInt(more.byteLength)
        if (head.length < 8) break
        wanted = head.readBigUInt64BE()
        head = Buffer.alloc(0)
      }
      const taken = left < wanted ? left : wanted
      at += Number(taken)
      left -= taken
      wanted -= taken
      if (wanted === 0n && !stream.send(Uint8Array.of(1))) await stream.onDrain()
    }
  }
}

async function sendAll (stream, answers, messages) {
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(messages) * BigInt(size))
  const message = Buffer.alloc(Number(size), 'x')
  const begin = process.hrtime.bigint()
  stream.send(head)
  for (let i = 0; i < messages; i++) {
    if (!stream.send(message)) await stream.onDrain()
  }
  await answers.next()
  return messages / (Number(process.hrtime.bigint() - begin) / 1e9)
}

if (role === 'listen') {
  const node = await create(['/ip4/127.0.0.1/tcp/0'])
  await node.handle(PROTOCOL, serve)
  console.log(node.getMultiaddrs()[0].toString())
  for await (const _ of process.stdin);
  process.exit(0)
} else {
  const node = await create([])
  const connection = await node.dial(multiaddr(address), { signal: AbortSignal.timeout(PATIENCE_MS) })
  const stream = await connection.newStream(PROTOCOL, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const answers = stream[Symbol.asyncIterator]()
  await sendAll(stream, answers, Math.max(Math.floor(Number(count) / 8), 1))
  console.log(Math.round(await sendAll(stream, answers, Number(count))))
  process.exit(0)
}
