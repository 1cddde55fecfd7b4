// Other resolvers of DIDs against a node's edge: see README.md. Started by `run`, which made the certificates in the
// directory that is the second argument. Ends with exit code 0 or 1.
import { Host } from './host.mjs'
import { Fetches, leaveOneUnderWay, misdeeds, privateAddresses, withoutAuthority } from './hosts.mjs'
import { forms, keysAndVectors, malformed, randomKeys } from './keys.mjs'
import { check, checked, checkSame, Ours } from './support.mjs'
import { servedByUs, veramo } from './web.mjs'

const [binary, certificates] = process.argv.slice(2)
const NAMES = ['ada', 'Grace.9-x_y']
const TRUSTING = { KITH_EDGE_CA_FILE: `${certificates}/ca.pem` }
const PRIVATE = { KITH_EDGE_FETCH_PRIVATE: 'true' }
const ours = new Ours(binary, certificates)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.once(signal, () => {
    ours.kill()
    process.exit(1)
  })
}

async function stopped () {
  check(ours.running(), 'the node is still there')
  check(await ours.stop() === 0, 'the node stops in order')
}

async function all () {
  const host = await new Host(certificates, 'localhost').open()
  await ours.cli('init', '--nodes', '1')
  const fetches = new Fetches()
  await ours.start({ ...TRUSTING, ...PRIVATE })
  for (const name of NAMES) await ours.cli('spawn', 'greeter', '--name', name)
  for (let i = 0; i < 3; i++) await ours.cli('spawn', 'greeter')
  await randomKeys(ours)
  await keysAndVectors(ours)
  await malformed(ours)
  await forms(ours)
  await servedByUs(ours, NAMES)
  await veramo(ours, host, fetches)
  await misdeeds(ours, host, certificates, fetches)
  const documents = ['/.well-known/did.json', ...NAMES.map(name => `/agents/${name}/did.json`)]
  const before = await Promise.all(documents.map(path => ours.get(path)))
  await leaveOneUnderWay(ours, host)
  await stopped()

  await ours.start(TRUSTING)
  const after = await Promise.all(documents.map(path => ours.get(path)))
  before.forEach(({ body }, i) => checkSame(after[i].body, body, `${documents[i]} is the same after a restart`))
  await privateAddresses(ours, host, new Fetches())
  await stopped()

  await ours.start(PRIVATE)
  await withoutAuthority(ours, host, new Fetches())
  await stopped()
  console.log(`interop of DIDs: ${checked()} checks held`)
}

let code = 0
try {
  await all()
} catch (error) {
  console.error(error)
  console.error(`-- the node's log:\n${ours.log()}`)
  code = 1
}
ours.kill()
process.exit(code)
