// The market's views as they are on the chain now, and its calls as they go to a wallet.
import { encodeFunctionData, type Hex } from 'viem'
import { config, currency, type Address } from '../market'
import { marketAbi, tokenAbi } from './abi'
import { ask, hex, read, Refused, simulate, useToken } from './node'

export interface Standing {
  registered: boolean
  /** Free in the market. */
  free: bigint
  completed: bigint
  noShows: bigint
  /** In the account itself: of the market's currency, and what gas is paid in. */
  wallet: bigint
  ether: bigint
  /** Of the token, what the market may take. */
  allowed: bigint
}

export interface EVRecord {
  registered: boolean
  completed: bigint
  noShows: bigint
}

export interface Terms {
  state: number
  consumer: Address
  energy: bigint
  maxRate: bigint
  closing: bigint
  validity: bigint
  provider: Address
  rate: bigint
}

export const OPEN = 1
export const CONNECTED = 2

const market = (): Address => {
  if (config.value === null) throw new Error('the market is not known yet')
  return config.value.market
}

/** How an account stands in the market. */
export async function standing(account: Address): Promise<Standing> {
  const token = currency.value.address
  useToken(token)
  const [record, ether, held, allowed] = await Promise.all([
    read(market(), 'evs', [account]) as Promise<{ balance: bigint; addedAt: number; completed: number; noShows: number }>,
    ask({ method: 'eth_getBalance', params: [account, 'latest'] }) as Promise<Hex>,
    token ? (read(token, 'balanceOf', [account]) as Promise<bigint>) : null,
    token ? (read(token, 'allowance', [account, market()]) as Promise<bigint>) : null,
  ])
  return {
    registered: record.addedAt !== 0,
    free: record.balance,
    completed: BigInt(record.completed),
    noShows: BigInt(record.noShows),
    wallet: held ?? BigInt(ether),
    ether: BigInt(ether),
    allowed: allowed ?? 0n,
  }
}

/** What the market has on record of accounts; registered or not. */
export async function records(accounts: readonly Address[]): Promise<EVRecord[]> {
  return Promise.all(accounts.map(async (account) => {
    const record = (await read(market(), 'evs', [account])) as { addedAt: number; completed: number; noShows: number }
    return { registered: record.addedAt !== 0, completed: BigInt(record.completed), noShows: BigInt(record.noShows) }
  }))
}

export interface Organization {
  isOpen: boolean
  owner: Address
  /** Who has been offered the market, and has not accepted yet. */
  pending: Address | null
}

const NOBODY = /^0x0{40}$/

/** Whose market it is, and whether it takes new auctions. */
export async function organization(): Promise<Organization> {
  const [isOpen, owner, pending] = (await Promise.all(
    ['active', 'owner', 'pendingOwner'].map((name) => read(market(), name)))) as [boolean, Address, Address]
  return { isOpen, owner, pending: NOBODY.test(pending) ? null : pending }
}

/** An auction's terms, read again before anything about it is signed. */
export async function terms(id: string): Promise<Terms> {
  const info = (await read(market(), 'auctions', [BigInt(id)])) as {
    state: number; consumer: Address; energyWh: number; maxRate: bigint; closingTime: bigint; validity: bigint
    provider: Address; rate: bigint
  }
  return {
    state: info.state,
    consumer: info.consumer,
    energy: BigInt(info.energyWh),
    maxRate: info.maxRate,
    closing: info.closingTime,
    validity: info.validity,
    provider: info.provider,
    rate: info.rate,
  }
}

export const view = (name: 'bond' | 'penalty' | 'reserve', id: string): Promise<bigint> =>
  read(market(), name, [BigInt(id)]) as Promise<bigint>

type Method =
  | 'startAuction' | 'placeBid' | 'removeBid' | 'cancelAuction' | 'endAuction' | 'endConnection' | 'forfeit'
  | 'expireConnection' | 'deposit' | 'withdraw' | 'addEVs' | 'removeEV' | 'setActive' | 'acceptOwnership' | 'transferOwnership'

/** One of the transactions that an act is made of. */
export interface Step {
  method: Method | 'approve'
  to: Address
  value: bigint
  data: Hex
}

export function step(method: Method, args: unknown[], value = 0n): Step {
  return { method, to: market(), value, data: encodeFunctionData({ abi: marketAbi, functionName: method, args } as never) }
}

/**
 * What the contract would take from who asked if somebody ended an auction now without an award. It is asked itself:
 * offered nothing, it says what is lacking.
 */
export async function priceOfEnding(id: string, from: Address): Promise<bigint> {
  try {
    await simulate({ from, ...step('cancelAuction', [BigInt(id), 0n]) })
    return 0n
  } catch (error) {
    if (error instanceof Refused && error.reason === 'PenaltyAboveMaximum') return BigInt(error.args['penalty'] as bigint)
    throw error
  }
}

/**
 * A step that locks `stake`, and those before it that bring what the account lacks: in ether it comes along,
 * in a token it is allowed and paid in first, exactly.
 */
export function staked(method: Method, args: unknown[], stake: bigint, has: Standing): Step[] {
  const lacking = stake > has.free ? stake - has.free : 0n
  return currency.value.address === null ? [step(method, args, lacking)] : [...paidIn(lacking, has), step(method, args)]
}

/** The steps that bring an amount into the market. */
export function paidIn(amount: bigint, has: Standing): Step[] {
  const token = currency.value.address
  if (amount === 0n) return []
  if (token === null) return [step('deposit', [], amount)]
  const data = encodeFunctionData({ abi: tokenAbi, functionName: 'approve', args: [market(), amount] })
  const approve: Step = { method: 'approve', to: token, value: 0n, data }
  return [...(has.allowed >= amount ? [] : [approve]), step('deposit', [amount])]
}

export const nonceOf = async (account: Address): Promise<number> =>
  Number(await ask({ method: 'eth_getTransactionCount', params: [account, 'pending'] }))

export interface Receipt {
  blockNumber: Hex
  blockHash: Hex
  status: Hex
}

export const receiptOf = (hash: Hex): Promise<Receipt | null> =>
  ask({ method: 'eth_getTransactionReceipt', params: [hash] }) as Promise<Receipt | null>

/** The hash of the block of a number, as the chain is now; null where there is none. */
export async function blockHash(number: Hex): Promise<Hex | null> {
  const block = (await ask({ method: 'eth_getBlockByNumber', params: [number, false] })) as { hash: Hex } | null
  return block && block.hash
}

export interface Sent {
  hash: Hex
  from: Address
  nonce: Hex
  to: Address | null
  value: Hex
  input: Hex
}

export const sentBy = (hash: Hex): Promise<Sent | null> =>
  ask({ method: 'eth_getTransactionByHash', params: [hash] }) as Promise<Sent | null>

/** What an account has sent with a nonce, in one of some blocks. */
export async function minedWith(from: Address, nonce: number, first: bigint, last: bigint): Promise<Sent | null> {
  for (let number = first; number <= last; number += 1n) {
    const block = (await ask({ method: 'eth_getBlockByNumber', params: [hex(number), true] })) as { transactions: Sent[] } | null
    const found = block?.transactions.find(
      (one) => one.from.toLowerCase() === from.toLowerCase() && Number(one.nonce) === nonce)
    if (found) return found
  }
  return null
}
