// One transaction at a time, from what it would do to what has become of it. Every screen that moves money goes
// through here: simulate, show, sign, follow.
import { signal } from '@preact/signals'
import type { Hex } from 'viem'
import { blockHash, minedWith, nonceOf, receiptOf, sentBy, type Sent, type Step } from './chain/contract'
import { ask, hex, Refused, simulate } from './chain/node'
import { account, readChain, wallet } from './chain/wallets'
import { make, type Intent } from './intents'
import { drop, keep, recall, type Kept } from './kept'
import { config, type Address } from './market'
import { standingNow } from './standing'

export type Phase =
  | 'checking' // asking the chain what it would do
  | 'ready' // shown, and nothing signed
  | 'asking' // the wallet has it
  | 'sent' | 'mined' | 'final'
  | 'between' // a part is done, or was shown when the page was closed; the rest waits for its owner
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
  intent: Intent
  /** For whom it was checked last. */
  from: Address | null
  /** A step of it is done: the rest is for the same account. */
  isBegun: boolean
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
/** How often a transaction has to be missing, once its block is gone: a node puts it back a moment later. */
const MISSING = 2
const WAITING: Phase[] = ['asking', 'sent', 'mined', 'between', 'reorganised']

const NOTHING: Act = { title: () => '', button: () => '', rows: () => [], risks: () => [], done: () => '', steps: [] }
const AT_FIRST = {
  act: NOTHING, phase: 'checking', step: 0, gas: 0n, fee: 0n, nonce: 0, hash: null, depth: 0, repriced: false, error: null,
  sentAt: 0, from: null, isBegun: false,
} as const

/** What one account has begun, another cannot go on with. */
export class OtherAccount extends Error {
  constructor(readonly account: Address) {
    super(account)
  }
}

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
export async function propose(intent: Intent): Promise<void> {
  isShown.value = true
  if (isUnderWay()) return
  progress.value = { ...AT_FIRST, intent }
  await check()
}

/** Read the terms again and ask the chain what it would do. */
export async function check(): Promise<void> {
  const mine = progress.value
  if (!mine) return
  if (mine.phase === 'dropped' && (await isBack())) return
  const { intent } = mine
  update({ phase: 'checking', error: null, hash: null })
  try {
    requireSame()
    const act = await make(intent)
    if (progress.value?.intent !== intent) return
    update({ act, step: 0 })
    await checkStep(act, 0)
    if (progress.value?.intent === intent) update({ phase: 'ready' })
  } catch (error) {
    if (progress.value?.intent === intent) update({ phase: 'refused', error })
  }
}

function requireSame(): void {
  const { isBegun, from } = progress.value ?? {}
  if (isBegun && from && from !== account.value) throw new OtherAccount(from)
}

async function checkStep(act: Act, number: number): Promise<void> {
  const from = account.value
  const step = act.steps[number]
  if (!from || !step) throw new Error('no wallet is connected')
  requireSame()
  const [cost, nonce] = await Promise.all([simulate({ from, ...step }), nonceOf(from)])
  update({ ...cost, nonce, from, step: number })
}

/** Have the wallet sign what is shown, and follow it; the steps after the first follow by themselves. */
export async function sign(): Promise<void> {
  const mine = progress.value
  if (!mine || mine.phase !== 'ready') return
  const { steps } = mine.act
  for (const [number, step] of steps.entries()) {
    try {
      if (number > 0) await checkStep(mine.act, number)
    } catch (error) {
      return update({ phase: 'refused', error })
    }
    if (!(await send(step, steps.length - 1 - number))) return
    if (!(await follow())) return
  }
}

async function send(step: Step, left: number): Promise<boolean> {
  const from = account.value
  const now = progress.value
  if (!from || !now?.from || !wallet.value) return false
  if (from !== now.from) {
    update({ phase: 'refused', error: new OtherAccount(now.from) })
    return false
  }
  if ((await readChain()) !== config.value?.chainId) {
    update({ phase: 'elsewhere' })
    return false
  }
  update({ phase: 'asking', hash: null, depth: 0, repriced: false })
  const { act, intent, isBegun, nonce } = now
  const block = BigInt((await ask({ method: 'eth_blockNumber' })) as Hex)
  const transaction = { from, to: step.to, value: hex(step.value), data: step.data, gas: hex(now.gas) }
  remember({
    intent, title: act.title(), done: act.done(), left, isBegun, isWaiting: false, from, to: step.to, value: transaction.value,
    input: step.data, nonce, block, hash: null, seen: null,
  })
  try {
    const hash = (await wallet.value.provider.request({ method: 'eth_sendTransaction', params: [transaction] })) as Hex
    await sentAs(hash)
    return true
  } catch (error) {
    over((error as { code?: number }).code === REJECTED ? 'rejected' : 'failed')
    update({ error })
    return false
  }
}

/** The wallet has sent it, perhaps with another nonce than was expected. */
async function sentAs(hash: Hex): Promise<void> {
  remember({ ...(followed as Kept), hash })
  update({ phase: 'sent', hash, sentAt: Date.now() })
  const sent = await sentBy(hash).catch(() => null)
  if (!sent) return
  const nonce = Number(sent.nonce)
  remember({ ...(followed as Kept), nonce })
  update({ nonce })
}

// --- What has become of it

let followed: Kept | null = null
/** What the network forgot. */
let lost: Kept | null = null

function remember(one: Kept): void {
  followed = one
  keep(one)
}

/** Go on with what was under way when the page was closed. */
export async function resume(): Promise<void> {
  const kept = recall()
  if (!kept) return
  const { intent, title, done, hash, nonce, from, isBegun } = kept
  progress.value = {
    ...AT_FIRST, act: { ...NOTHING, title: () => title, done: () => done }, intent, phase: kept.isWaiting ? 'between' : 'sent',
    nonce, hash, sentAt: Date.now(), from, isBegun,
  }
  if (kept.isWaiting) isShown.value = true
  else await goOnFollowing(kept)
}

/** Follow it, and leave the rest to its owner. */
async function goOnFollowing(kept: Kept): Promise<void> {
  remember(kept)
  if ((await follow()) && kept.left > 0) update({ phase: 'between' })
  if (progress.value?.phase === 'between') isShown.value = true
}

/** Whether the node knows again what it had forgotten: then that is followed, and no other is sent. */
async function isBack(): Promise<boolean> {
  if (!lost?.hash || !(await sentBy(lost.hash).catch(() => null))) return false
  update({ phase: 'sent', hash: lost.hash, sentAt: Date.now() })
  await goOnFollowing(lost)
  return true
}

/** Look at the chain until it is clear what has become of it; true when it is done and final. */
async function follow(): Promise<boolean> {
  let unknownSince = Date.now()
  let missing = 0
  while (followed) {
    const mine: Kept = followed
    try {
      const [height, receipt] = await Promise.all([ask({ method: 'eth_blockNumber' }), mine.hash && receiptOf(mine.hash)])
      if (receipt) {
        const depth = Number(BigInt(height as Hex) - BigInt(receipt.blockNumber)) + 1
        if (Number(receipt.status) !== 1) return failed(mine)
        if (depth >= Math.max(1, config.value?.confirmations ?? 1)) return isDone(mine, depth)
        if (mine.seen?.hash !== receipt.blockHash) {
          remember({ ...mine, seen: { number: receipt.blockNumber, hash: receipt.blockHash } })
        }
        update({ phase: 'mined', depth })
      } else {
        if (progress.value?.phase === 'mined') update({ phase: 'reorganised', depth: 0 })
        if (mine.hash && (await sentBy(mine.hash))) [unknownSince, missing] = [Date.now(), 0]
        else if (await wasReplaced(mine, BigInt(height as Hex))) continue
        else if (mine.hash === null) {
          if ((await nonceOf(mine.from)) <= mine.nonce) return over('between')
        } else {
          missing = (await isGone(mine)) ? missing + 1 : 0
          if (missing >= MISSING || Date.now() - unknownSince > FORGOTTEN) return over('dropped')
        }
      }
    } catch {
      // The node does not answer: what is said of it stays, and it is asked again.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
  return false
}

/** Whether another block stands where it was seen. */
async function isGone({ seen }: Kept): Promise<boolean> {
  if (seen === null) return false
  const now = await blockHash(seen.number)
  return now !== null && now !== seen.hash
}

/** It is followed no more; what is left of its act is kept, for the same account to go on with. */
function over(phase: Phase, depth = 0): boolean {
  if (followed && phase !== 'final' && (followed.isBegun || phase === 'between')) keep({ ...followed, isWaiting: true })
  else drop()
  lost = phase === 'dropped' ? followed : null
  followed = null
  update({ phase, depth })
  void standingNow()
  return false
}

function isDone(mine: Kept, depth: number): boolean {
  if (mine.left > 0) {
    update({ isBegun: true })
    remember({ ...mine, isBegun: true })
  }
  // Between two steps it is checked again.
  over(mine.left > 0 ? 'checking' : 'final', depth)
  // What was put away says that it is done, and goes.
  setTimeout(() => progress.value?.phase === 'final' && !isShown.value && dismiss(), SAID_FOR)
  return true
}

/** The contract refused it once it was in a block: asked again, the chain says why. */
async function failed({ from, to, value, input }: Kept): Promise<boolean> {
  const error = await simulate({ from, to, value: BigInt(value), data: input }).then(() => null, (said: unknown) => said)
  update({ error })
  return over('failed')
}

/** Whether another transaction has used its nonce; then that one is followed, or it is said what it was. */
async function wasReplaced(mine: Kept, height: bigint): Promise<boolean> {
  const used = Number((await ask({ method: 'eth_getTransactionCount', params: [mine.from, 'latest'] })) as Hex)
  if (used <= mine.nonce) return false
  const other = await minedWith(mine.from, mine.nonce, mine.block, height)
  if (other === null) return false
  if (other.hash === mine.hash) return true // it is there by now
  if (isSame(other, mine)) {
    remember({ ...mine, hash: other.hash })
    update({ hash: other.hash, repriced: mine.hash !== null })
    return true
  }
  const isEmpty = other.to?.toLowerCase() === mine.from.toLowerCase() && other.input === '0x'
  over(mine.hash === null ? 'between' : isEmpty ? 'cancelled' : 'replaced')
  return true
}

const isSame = (other: Sent, mine: Kept): boolean =>
  other.to?.toLowerCase() === mine.to.toLowerCase() && BigInt(other.value) === BigInt(mine.value) && other.input === mine.input

/** Put it away: what goes on, and what is begun, stays at hand. */
export function dismiss(): void {
  isShown.value = false
  const now = progress.value
  if (!now || isUnderWay()) return
  if (now.isBegun && now.phase !== 'final') progress.value = { ...now, intent: { ...now.intent }, phase: 'between' }
  else leave()
}

/** Sign no more of what is begun. */
export function leave(): void {
  drop()
  progress.value = null
  isShown.value = false
}

/** Whether an error is the contract's own. */
export const isRefusal = (error: unknown): error is Refused => error instanceof Refused
