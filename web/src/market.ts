// What is known of the market: told by the service, current within a block. Nothing of it is signed: before that,
// `chain/contract.ts` reads the terms again from the chain.
import { computed, signal } from '@preact/signals'
import type { Currency } from './money'
import { lastBlock, seconds } from './time'

export type Address = `0x${string}`

export interface Config {
  chainId: number
  network: string
  isLocal: boolean
  market: Address
  codeHash: string
  confirmations: number
  parameters: Record<string, bigint>
}

export interface Auction {
  id: string
  state: 'open' | 'connected'
  consumer: Address
  energy: bigint
  maxRate: bigint
  closing: number
  validity: number
  openAward: boolean
  provider: Address | null
  rate: bigint | null
  connectedAt: number | null
  freeUntil: number | null
  reserve: bigint
  highestRate: bigint | null
  details: Details
  text: string
}

export interface Details {
  place?: string
  connector?: string
  maxPowerKW?: number
  note?: string
}

/** What people call the connectors that OCPI names. */
export const CONNECTORS: Record<string, string> = {
  IEC_62196_T2: 'Type 2', IEC_62196_T2_COMBO: 'CCS', CHADEMO: 'CHAdeMO', IEC_62196_T1: 'Type 1',
}

/** An event of the market, as its history has it. */
export type MarketEvent = Record<string, string> & { event: string; transaction: string; block: string; timestamp: string }

export interface Past {
  id: string
  consumer: Address
  provider: Address | null
  energy: bigint
  maxRate: bigint
  rate: bigint | null
  outcome: string
  startedAt: number
}

export interface Head {
  number: bigint
  timestamp: number
  behind: string | null
}

const ETHER: Currency = { symbol: 'ETH', decimals: 18, address: null }

export const config = signal<Config | null>(null)
export const currency = signal<Currency>(ETHER)
export const head = signal<Head | null>(null)
export const running = signal<Auction[]>([])
export const labels = signal<ReadonlyMap<string, string>>(new Map())
/** When the service was heard last, on this device's clock; 0 before the first time. */
export const heardAt = signal(0)
/** From which block on the chain has just taken something back; null when it has not. */
export const reorganised = signal<number | null>(null)

export const parameter = (name: string): bigint => config.value?.parameters[name] ?? 0n
export const auctionOf = (consumer: string): Auction | undefined =>
  running.value.find((one) => one.consumer === consumer)
export const open = computed(() => running.value.filter((one) => one.state === 'open'))

/** Until when its consumer may accept the bid that stands. */
export const awardDeadline = (closing: number): number => closing + Number(parameter('awardWindow'))

/**
 * Whether an auction ends without an award for nothing; else that costs its consumer the penalty. For buttons: what is
 * signed has the contract's own answer.
 */
export function endsFree({ provider, freeUntil, openAward, closing }: Auction, now: number): boolean {
  const isOwed = provider !== null && labels.value.has(provider) && now >= (freeUntil ?? 0)
  return !isOwed || (openAward && now >= awardDeadline(closing))
}

/** What the organization wrote about an EV, without what would turn the text around, and not too long. */
export function labelOf(address: string): string {
  return plain(labels.value.get(address) ?? '')
}

/** A text from the chain: anybody may have written anything. */
export function plain(text: string, longest = 80): string {
  const visible = text.replace(/[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, ' ').trim()
  return visible.length > longest ? `${visible.slice(0, longest)}…` : visible
}

export class ServiceError extends Error {}

/** What the service says of the market now; null where it has not changed. */
export async function get<Answer>(path: string, tags?: Map<string, string>): Promise<Answer | null> {
  const tag = tags?.get(path)
  // The page has asked for what it reads first before this ran: that answer is taken.
  const answer = await fetch(`api/v1/${path}`, tag ? { headers: { 'If-None-Match': tag }, cache: 'no-store' } : {})
  if (answer.status === 304) return null
  const body = await answer.json()
  if (!answer.ok) throw new ServiceError(body.error)
  if (tags && answer.headers.get('ETag')) tags.set(path, answer.headers.get('ETag') as string)
  return body as Answer
}

type Json = Record<string, any>

/** `at` is when it was said, for what was kept. */
export function takeConfig(body: Json, at = Date.now()): void {
  const token = body.currency
  currency.value = {
    symbol: token.address ? token.symbol : ETHER.symbol,
    decimals: Number(token.decimals),
    address: token.address,
  }
  config.value = {
    chainId: Number(body.chainId),
    network: body.network,
    isLocal: body.isLocal,
    market: body.market,
    codeHash: body.codeHash,
    confirmations: Number(body.confirmations),
    parameters: Object.fromEntries(Object.entries<string>(body.parameters).map(([name, value]) => [name, BigInt(value)])),
  }
  takeHead(body.head, at)
}

export function takeHead(body: Json, at = Date.now()): void {
  heardAt.value = at - Number(body.ageSeconds) * 1_000
  const before = head.value
  head.value = { number: BigInt(body.number), timestamp: Number(body.timestamp), behind: body.behind }
  if (before?.number !== head.value.number || before.timestamp !== head.value.timestamp) {
    lastBlock.value = { timestamp: head.value.timestamp, seenAt: heardAt.value }
  }
}

const whole = (digits: string | null): bigint | null => (digits === null ? null : BigInt(digits))
const moment = (iso: string | null): number | null => (iso === null ? null : seconds(iso))

export const takeAuction = (one: Json): Auction => ({
  id: one.auctionId,
  state: one.state,
  consumer: one.consumer,
  energy: BigInt(one.energyWh),
  maxRate: BigInt(one.maxRate),
  closing: seconds(one.closingTime),
  validity: Number(one.validity),
  openAward: one.openAward,
  provider: one.provider,
  rate: whole(one.rate),
  connectedAt: moment(one.connectedAt),
  freeUntil: moment(one.freeUntil),
  reserve: BigInt(one.reserve),
  highestRate: whole(one.highestRate),
  details: one.details,
  text: one.text,
})

export const takePast = (one: Json): Past => ({
  id: one.auctionId,
  consumer: one.consumer,
  provider: one.provider,
  energy: BigInt(one.energyWh),
  maxRate: BigInt(one.maxRate),
  rate: whole(one.rate),
  outcome: one.outcome,
  startedAt: seconds(one.startedAt),
})
