// The one transaction that is under way, and what it belongs to: kept in the browser until it is clear what became of it.
import type { Hex } from 'viem'
import type { Intent } from './intents'
import { config, type Address } from './market'

export interface Kept {
  intent: Intent
  title: string
  done: string
  /** How many steps of the act come after this one. */
  left: number
  /** An earlier step is done: the rest is for the same account. */
  isBegun: boolean
  /** Nothing is on its way, and something is left to be signed. */
  isWaiting: boolean
  from: Address
  to: Address
  value: Hex
  input: Hex
  nonce: number
  /** The latest block when it was sent: it is not before. */
  block: bigint
  /** Null while only the wallet has it: it may be sent, or not. */
  hash: Hex | null
  /** In which block it was seen. */
  seen: { number: Hex; hash: Hex } | null
}

const STORE = 'sent'

const packed = (_: string, value: unknown) => (typeof value === 'bigint' ? { whole: String(value) } : value)
const unpacked = (_: string, value: { whole?: string } | null) => (value?.whole === undefined ? value : BigInt(value.whole))

export function keep(one: Kept): void {
  const { chainId, market } = config.value ?? {}
  try {
    localStorage.setItem(STORE, JSON.stringify({ chainId, market, ...one }, packed))
  } catch {
    drop() // too long for this browser: it is followed as long as the page is open
  }
}

/** What was kept of this market, if anything was. */
export function recall(): Kept | null {
  const found = JSON.parse(localStorage.getItem(STORE) ?? 'null', unpacked)
  return found?.intent && found.chainId === config.value?.chainId && found.market === config.value?.market ? found : null
}

export const drop = (): void => localStorage.removeItem(STORE)
