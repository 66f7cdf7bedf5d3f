// One transaction at a time, from what it would do to what has become of it. Every screen that moves money goes
// through here: simulate, show, sign, follow.
import { signal } from '@preact/signals'
import type { Hex } from 'viem'
import { minedWith, nonceOf, receiptOf, sentBy, type Sent, type Step } from './chain/contract'
import { ask, hex, Refused, simulate } from './chain/node'
import { account, readChain, wallet } from './chain/wallets'
import { config } from './market'
import { standingNow } from './standing'

export type Phase =
  | 'checking' // asking the chain what it would do
  | 'ready' // shown, and nothing signed
  | 'asking' // the wallet has it
  | 'sent' | 'mined' | 'final'
  | 'refused' | 'elsewhere' | 'rejected' | 'failed' | 'cancelled' | 'replaced' | 'dropped' | 'reorganised'

/** What is to be signed, in words that are made anew in whatever language is spoken. */
export interface Act {
  title(): string
  button(): string
  rows(): [label: string, value: string][]
  risks(): string[]
  done(): string
  steps: Step[]
}

export interface Progress {
  act: Act
  /** Reads the terms again, and says what is to be signed then. */
  make: () => Promise<Act>
  phase: Phase
  step: number
  gas: bigint
  fee: bigint
  nonce: number
  hash: Hex | null
  depth: number
  /** Mined with a higher fee than it was sent with. */
  repriced: boolean
  error: unknown
  sentAt: number
}

/** What is on its way; null when nothing is. */
export const progress = signal<Progress | null>(null)
/** Whether its sheet is open. */
export const isShown = signal(false)

const LOOK_EVERY = 1_000
const FORGOTTEN = 180_000
const SAID_FOR = 6_000
const REJECTED = 4_001
const WAITING: Phase[] = ['asking', 'sent', 'mined', 'reorganised']

const NOTHING: Act = { title: () => '', button: () => '', rows: () => [], risks: () => [], done: () => '', steps: [] }

/** Whether the wallet or the chain still has something to say. */
export const isUnderWay = (): boolean => {
  const now = progress.value
  // Between two steps it is checked again.
  return now !== null && (WAITING.includes(now.phase) || (now.phase === 'checking' && now.hash !== null))
}

function update(change: Partial<Progress>): void {
  if (progress.value) progress.value = { ...progress.value, ...change }
}

/** Show what an act would do. While one is under way, that one is shown instead. */
export async function propose(make: () => Promise<Act>): Promise<void> {
  isShown.value = true
  if (isUnderWay()) return
  progress.value = {
    act: NOTHING, make, phase: 'checking', step: 0, gas: 0n, fee: 0n, nonce: 0, hash: null, depth: 0, repriced: false,
    error: null, sentAt: 0,
  }
  await check()
}

/** Read the terms again and ask the chain what it would do. */
export async function check(): Promise<void> {
  const mine = progress.value
  if (!mine) return
  update({ phase: 'checking', error: null, hash: null })
  try {
    const act = await mine.make()
    if (progress.value?.make !== mine.make) return
    progress.value = { ...progress.value, act, step: 0 }
    await checkStep(act, 0)
    update({ phase: 'ready' })
  } catch (error) {
    if (progress.value?.make === mine.make) update({ phase: 'refused', error })
  }
}

async function checkStep(act: Act, number: number): Promise<void> {
  const from = account.value
  const step = act.steps[number]
  if (!from || !step) throw new Error('no wallet is connected')
  const [cost, nonce] = await Promise.all([simulate({ from, ...step }), nonceOf(from)])
  update({ ...cost, nonce, step: number })
}

/** Have the wallet sign what is shown, and follow it; the steps after the first follow by themselves. */
export async function sign(): Promise<void> {
  const mine = progress.value
  if (!mine || mine.phase !== 'ready') return
  for (let number = 0; number < mine.act.steps.length; number += 1) {
    try {
      if (number > 0) await checkStep(mine.act, number)
    } catch (error) {
      return update({ phase: 'refused', error })
    }
    if (!(await send(mine.act.steps[number] as Step))) return
    if (!(await follow())) return
  }
}

async function send(step: Step): Promise<boolean> {
  const from = account.value
  const now = progress.value
  if (!from || !now || !wallet.value) return false
  if ((await readChain()) !== config.value?.chainId) {
    update({ phase: 'elsewhere' })
    return false
  }
  update({ phase: 'asking', hash: null, depth: 0, repriced: false })
  const block = BigInt((await ask({ method: 'eth_blockNumber' })) as Hex)
  const transaction = { from, to: step.to, value: hex(step.value), data: step.data, gas: hex(now.gas) }
  try {
    const hash = (await wallet.value.provider.request({ method: 'eth_sendTransaction', params: [transaction] })) as Hex
    const sent = await sentBy(hash).catch(() => null)
    const nonce = sent ? Number(sent.nonce) : now.nonce
    remember({ hash, from, to: step.to, value: hex(step.value), input: step.data, nonce, block, title: now.act.title() })
    update({ phase: 'sent', hash, nonce, sentAt: Date.now() })
    return true
  } catch (error) {
    update({ phase: (error as { code?: number }).code === REJECTED ? 'rejected' : 'failed', error })
    return false
  }
}

// --- What has become of it

interface Remembered {
  hash: Hex
  from: `0x${string}`
  to: `0x${string}`
  value: Hex
  input: Hex
  nonce: number
  /** The latest block when it was sent: it is not before. */
  block: bigint
  title: string
}

const STORE = 'sent'
let followed: Remembered | null = null

function remember(one: Remembered): void {
  followed = one
  const { chainId, market } = config.value ?? {}
  localStorage.setItem(STORE, JSON.stringify({ chainId, market, ...one, block: String(one.block) }))
}

/** Go on following what was sent before the page was closed. */
export async function resume(): Promise<void> {
  const kept = JSON.parse(localStorage.getItem(STORE) ?? 'null')
  if (!kept || kept.chainId !== config.value?.chainId || kept.market !== config.value?.market) return
  followed = { ...kept, block: BigInt(kept.block) }
  progress.value = {
    act: { ...NOTHING, title: () => kept.title, done: () => kept.title }, make: async () => NOTHING, phase: 'sent', step: 0,
    gas: 0n, fee: 0n, nonce: kept.nonce, hash: kept.hash, depth: 0, repriced: false, error: null, sentAt: Date.now(),
  }
  await follow()
}

/** Look at the chain until it is clear what has become of it; true when it is done and final. */
async function follow(): Promise<boolean> {
  let unknownSince = Date.now()
  while (followed) {
    const mine: Remembered = followed
    try {
      const [height, receipt] = await Promise.all([ask({ method: 'eth_blockNumber' }), receiptOf(mine.hash)])
      if (receipt) {
        const depth = Number(BigInt(height as Hex) - BigInt(receipt.blockNumber)) + 1
        if (Number(receipt.status) !== 1) return failed(mine)
        if (depth >= Math.max(1, config.value?.confirmations ?? 1)) return done(depth)
        update({ phase: 'mined', depth })
      } else {
        if (progress.value?.phase === 'mined') update({ phase: 'reorganised', depth: 0 })
        if (await sentBy(mine.hash)) unknownSince = Date.now()
        else if (await wasReplaced(mine, BigInt(height as Hex))) continue
        else if (Date.now() - unknownSince > FORGOTTEN) return over('dropped')
      }
    } catch {
      // The node does not answer: what is said of it stays, and it is asked again.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
  return false
}

function over(phase: Phase, depth = 0): boolean {
  followed = null
  localStorage.removeItem(STORE)
  update({ phase, depth })
  void standingNow()
  return false
}

function done(depth: number): boolean {
  const now = progress.value
  const isLast = now === null || now.step >= now.act.steps.length - 1
  over(isLast ? 'final' : 'checking', depth)
  // What was put away says that it is done, and goes.
  setTimeout(() => progress.value?.phase === 'final' && !isShown.value && dismiss(), SAID_FOR)
  return true
}

/** The contract refused it once it was in a block: asked again, the chain says why. */
async function failed({ from, to, value, input }: Remembered): Promise<boolean> {
  const error = await simulate({ from, to, value: BigInt(value), data: input }).then(() => null, (said: unknown) => said)
  update({ error })
  return over('failed')
}

/** Whether another transaction has used its nonce; then that one is followed, or it is said what it was. */
async function wasReplaced(mine: Remembered, height: bigint): Promise<boolean> {
  const used = Number((await ask({ method: 'eth_getTransactionCount', params: [mine.from, 'latest'] })) as Hex)
  if (used <= mine.nonce) return false
  const other = await minedWith(mine.from, mine.nonce, mine.block, height)
  if (other === null) return false
  if (other.hash === mine.hash) return true // it is there by now
  if (isSame(other, mine)) {
    remember({ ...mine, hash: other.hash })
    update({ hash: other.hash, repriced: true })
    return true
  }
  const isEmpty = other.to?.toLowerCase() === mine.from.toLowerCase() && other.input === '0x'
  over(isEmpty ? 'cancelled' : 'replaced')
  return true
}

const isSame = (other: Sent, mine: Remembered): boolean =>
  other.to?.toLowerCase() === mine.to.toLowerCase() && BigInt(other.value) === BigInt(mine.value) && other.input === mine.input

/** Put away what is over. */
export function dismiss(): void {
  isShown.value = false
  if (!isUnderWay()) progress.value = null
}

/** Whether an error is the contract's own. */
export const isRefusal = (error: unknown): error is Refused => error instanceof Refused
