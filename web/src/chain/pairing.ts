// A key of a car that is to sign for one trade: what its code asks for, whether that may be, and the signature.
import { getAddress, hashTypedData, isAddress, type Hex } from 'viem'
import { english } from 'viem/accounts'
import { config, type Address } from '../market'
import { CONNECTED, terms, type Terms } from './contract'
import { read } from './node'
import { account, wallet } from './wallets'

/** What a car shows as a code, and this page opens. */
export interface Asked {
  chainId: number
  market: string
  auctionId: string
  key: Address
  code: string
}

/** Why a car is not paired; a sentence of `words/`. */
export class NotPaired extends Error {
  constructor(readonly key: 'pair.malformed' | 'pair.elsewhere' | 'pair.notyours' | 'pair.notconnected' | 'pair.domain') {
    super(key)
  }
}

const TYPES = { SessionKey: [{ name: 'auctionId', type: 'uint256' }, { name: 'key', type: 'address' }] } as const
const WORDS = 4n
const BITS = 11n

/** Read what stands behind the `#` of a link; whoever made it may have written anything. */
export function asked(query: URLSearchParams): Asked {
  const [c, m, a, k, r] = ['c', 'm', 'a', 'k', 'r'].map((name) => query.get(name) ?? '') as [string, string, string, string, string]
  const isWell = /^\d{1,15}$/.test(c) && isAddress(m) && /^\d{1,78}$/.test(a) && isAddress(k) && /^[\w-]{16,64}$/.test(r)
  if (!isWell) throw new NotPaired('pair.malformed')
  if (Number(c) !== config.value?.chainId || getAddress(m) !== config.value.market) throw new NotPaired('pair.elsewhere')
  return { chainId: Number(c), market: getAddress(m), auctionId: a, key: getAddress(k), code: r }
}

const typed = ({ chainId, market, auctionId, key }: Asked) => ({
  domain: { name: 'V2VMarket', version: '1', chainId, verifyingContract: market as Address },
  types: TYPES,
  primaryType: 'SessionKey' as const,
  message: { auctionId: BigInt(auctionId), key },
})

/** Four words of what is signed: the car shows the same, or it is another one. */
export function checkWords(one: Asked): string {
  const bits = BigInt(hashTypedData(typed(one))) >> (256n - WORDS * BITS)
  return [3n, 2n, 1n, 0n].map((at) => english[Number((bits >> (BITS * at)) & 2047n)]).join(' ')
}

/** The trade, as the chain has it now, if it is this account's and goes on. */
export async function trade({ chainId, market, auctionId }: Asked): Promise<Terms> {
  const [now, domain] = await Promise.all([
    terms(auctionId),
    read(market as Address, 'eip712Domain') as Promise<readonly [Hex, string, string, bigint, Address, Hex, readonly bigint[]]>,
  ])
  const [, name, version, chain, contract] = domain
  if (name !== 'V2VMarket' || version !== '1' || Number(chain) !== chainId || contract !== market) throw new NotPaired('pair.domain')
  if (now.state !== CONNECTED) throw new NotPaired('pair.notconnected')
  if (![now.consumer, now.provider].includes(account.value as Address)) throw new NotPaired('pair.notyours')
  return now
}

/** Have the wallet sign that this key may sign for this trade. */
export async function signKey(one: Asked): Promise<Hex> {
  const { domain, types, primaryType, message } = typed(one)
  const EIP712Domain = [
    { name: 'name', type: 'string' }, { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' },
  ]
  const data = JSON.stringify({ domain, types: { EIP712Domain, ...types }, primaryType, message: { ...message, auctionId: one.auctionId } })
  return (await wallet.value?.provider.request({ method: 'eth_signTypedData_v4', params: [account.value, data] })) as Hex
}

/** Leave it where the car looks for it. */
export async function leave(one: Asked, signature: Hex): Promise<void> {
  const answer = await fetch(`api/v1/pair/${one.code}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ signature }),
  })
  if (!answer.ok) throw new Error(((await answer.json()) as { error: string }).error)
}

/** The same as a file for `--session-key`, where nothing reaches the car. */
export const asFile = (one: Asked, signature: Hex): string => JSON.stringify({
  chainId: one.chainId, market: one.market, auctionId: one.auctionId, signature, type: 'SessionKey', account: account.value, key: one.key,
})
