// All that can be signed: what each act does, costs and risks, made of the terms as the chain has them now.
import { CONNECTED, OPEN, paidIn, priceOfEnding, staked, standing, step, terms, view, type Terms } from './chain/contract'
import { Refused } from './chain/node'
import { account } from './chain/wallets'
import { config, labelOf, parameter, type Address } from './market'
import { termsOf } from './money'
import { chainNow } from './time'
import type { Act } from './transaction'
import { kwh, money, rate, short, t } from './words'

export type Row = [label: string, value: string]

export interface Wish {
  energy: bigint
  maxRate: bigint
  minutes: number
  hours: number
  openAward: boolean
  details: string
}

const me = (): Address => {
  if (!account.value) throw new Error('no wallet is connected')
  return account.value
}

export const toMarket = (): Row => [t('row.to'), `${t('row.market')} ${config.value?.market}`]
const sends = (value: bigint): Row[] => (value > 0n ? [[t('row.sends'), money(value)]] : [])
const penaltyOf = (reserve: bigint): bigint => (reserve * parameter('penaltyBps')) / 10_000n
const bondOf = (reserve: bigint): bigint => (reserve * parameter('bondBps')) / 10_000n
export const who = (address: string): string => labelOf(address) || short(address)

/** What must stand for an act to make sense: said before the chain refuses it. */
async function inState(id: string, expected: number): Promise<Terms> {
  const now = await terms(id)
  if (now.state !== expected) {
    throw new Refused('UnexpectedState', { auctionId: BigInt(id), actual: BigInt(now.state), expected: BigInt(expected) }, '')
  }
  return now
}

/** Lock the most that the energy may cost, and ask for it. */
export async function ask(wish: Wish): Promise<Act> {
  const reserve = wish.energy * wish.maxRate
  const has = await standing(me())
  const lacking = reserve > has.free ? reserve - has.free : 0n
  const args = [wish.energy, wish.maxRate, BigInt(wish.minutes * 60), BigInt(wish.hours * 3_600), wish.openAward, wish.details]
  const closing = chainNow.value + wish.minutes * 60
  const award = Number(parameter('awardWindow'))
  return {
    title: () => t('ask.title', { energy: wish.energy, rate: wish.maxRate }),
    button: () => t('ask.button', { reserve }),
    rows: () => [[t('row.locks'), money(reserve)], ...sends(lacking), [t('row.most'), money(reserve)], toMarket()],
    risks: () => [
      wish.openAward ? t('ask.risk.open') : t('ask.risk.back', { from: closing, until: closing + award, penalty: penaltyOf(reserve) }),
      t('ask.risk.public'),
    ],
    done: () => t('ask.done'),
    steps: staked('startAuction', args, reserve, has),
  }
}

/** Bid a rate in somebody's auction; never a lower one than was shown. */
export async function bid(id: string, offered: bigint): Promise<Act> {
  const [now, has] = [await inState(id, OPEN), await standing(me())]
  const reserve = now.energy * now.maxRate
  const bond = bondOf(reserve)
  const leads = now.provider === me()
  const lacking = !leads && bond > has.free ? bond - has.free : 0n
  const args = [BigInt(id), offered, termsOf(now.energy, now.maxRate, now.validity)]
  return {
    title: () => t('bid.title', { rate: offered, energy: now.energy, who: who(now.consumer) }),
    button: () => t('bid.button', { rate: offered }),
    rows: () => [
      [t('row.gets'), t('bid.gets', { cost: offered * now.energy })],
      [t('row.locks'), money(bond)], ...sends(lacking), [t('row.loses'), money(2n * penaltyOf(reserve))], toMarket(),
    ],
    risks: () => [t('bid.risk.bound', { span: now.validity }), t('bid.risk.back', { penalty: penaltyOf(reserve) })],
    done: () => t('bid.done', { rate: offered }),
    steps: staked('placeBid', args, leads ? 0n : bond, has),
  }
}

/** Take the leading bid back, for the penalty. */
export async function removeBid(id: string): Promise<Act> {
  await inState(id, OPEN)
  const penalty = await view('penalty', id)
  return costing('remove', step('removeBid', [BigInt(id)]), penalty)
}

/** End an auction without an award; the price is exactly what is shown. */
export async function cancel(id: string): Promise<Act> {
  const penalty = await priceOfEnding(id, me())
  return costing('cancel', step('cancelAuction', [BigInt(id), penalty]), penalty)
}

/** The same by who leads, when nobody has accepted in time. */
export async function missed(id: string): Promise<Act> {
  const [now, penalty] = [await inState(id, OPEN), await priceOfEnding(id, me())]
  return {
    title: () => t('expire.button'),
    button: () => (penalty === 0n ? t('expire.button') : t('missed.button', { penalty })),
    rows: () => [[t('row.gets'), money(penalty)], [t('row.frees'), money(bondOf(now.energy * now.maxRate))], toMarket()],
    risks: () => [],
    done: () => t('missed.done', { penalty }),
    steps: [step('cancelAuction', [BigInt(id), penalty])],
  }
}

function costing(kind: 'remove' | 'cancel', one: ReturnType<typeof step>, penalty: bigint): Act {
  return {
    title: () => t(`${kind}.title`),
    button: () => (penalty === 0n ? t(`${kind}.free`) : t(`${kind}.button`, { penalty })),
    rows: () => [[t('row.loses'), money(penalty)], toMarket()],
    risks: () => [t(`${kind}.risk`)],
    done: () => t(`${kind}.done`),
    steps: [one],
  }
}

/** Accept the best bid, which connects; or end an auction that nobody bid in. */
export async function accept(id: string): Promise<Act> {
  const now = await inState(id, OPEN)
  const cost = now.energy * now.rate
  const reserve = now.energy * now.maxRate
  const steps = [step('endAuction', [BigInt(id)])]
  if (BigInt(now.provider) === 0n) {
    return {
      title: () => t('unsold.title'), button: () => t('unsold.button'), done: () => t('unsold.done'), steps,
      rows: () => [[t('row.frees'), money(reserve)], toMarket()], risks: () => [],
    }
  }
  return {
    title: () => t('accept.title', { who: who(now.provider), rate: now.rate }),
    button: () => t('accept.button', { rate: now.rate }),
    rows: () => [
      [t('row.provider'), `${labelOf(now.provider)} ${now.provider}`.trim()],
      [t('row.cost'), t('accept.cost', { cost, energy: now.energy })], toMarket(),
    ],
    risks: () => [t('accept.risk', { penalty: penaltyOf(reserve), span: now.validity })],
    done: () => t('accept.done', { who: who(now.provider) }),
    steps,
  }
}

/** Pay all that was agreed on, and end the connection. */
export async function pay(id: string): Promise<Act> {
  const now = await inState(id, CONNECTED)
  const cost = now.energy * now.rate
  const back = now.energy * now.maxRate - cost
  return {
    title: () => t('pay.title', { cost, who: who(now.provider) }),
    button: () => t('pay.button', { cost }),
    rows: () => [
      [t('row.provider'), `${labelOf(now.provider)} ${now.provider}`.trim()],
      [t('row.cost'), t('accept.cost', { cost, energy: now.energy })], [t('row.frees'), money(back)], toMarket(),
    ],
    risks: () => [t('pay.risk', { energy: now.energy })],
    done: () => t('pay.done', { cost, energy: now.energy, back }),
    steps: [step('endConnection', [BigInt(id)])],
  }
}

/** Give a trade up that was won. */
export async function forfeit(id: string): Promise<Act> {
  await inState(id, CONNECTED)
  const lost = 2n * (await view('penalty', id))
  return {
    title: () => t('forfeit.title'), button: () => t('forfeit.button', { penalty: lost }), done: () => t('forfeit.done'),
    rows: () => [[t('row.loses'), money(lost)], toMarket()],
    risks: () => [t('forfeit.risk')],
    steps: [step('forfeit', [BigInt(id)])],
  }
}

/** End a connection of which nobody has reported anything. */
export async function expire(id: string): Promise<Act> {
  await inState(id, CONNECTED)
  const lost = await view('penalty', id)
  return {
    title: () => t('expire.title'), button: () => t('expire.button'), done: () => t('expire.done', { penalty: lost }),
    rows: () => [[t('row.loses'), money(lost)], toMarket()],
    risks: () => [t('expire.risk', { penalty: lost })],
    steps: [step('expireConnection', [BigInt(id)])],
  }
}

/** Bring money into the market. */
export async function deposit(amount: bigint): Promise<Act> {
  const has = await standing(me())
  return {
    title: () => t('deposit.title', { amount }), button: () => t('deposit.button', { amount }),
    rows: () => [[t('row.sends'), money(amount)], toMarket()],
    risks: () => [t('deposit.risk')],
    done: () => t('deposit.done', { amount }),
    steps: paidIn(amount, has),
  }
}

/** Take all that is free out of the market. */
export async function withdraw(): Promise<Act> {
  const { free } = await standing(me())
  return {
    title: () => t('withdraw.title', { amount: free }), button: () => t('withdraw.button', { amount: free }),
    rows: () => [[t('row.arrives'), money(free)], [t('row.into'), me()], toMarket()],
    risks: () => [],
    done: () => t('withdraw.done', { amount: free }),
    steps: [step('withdraw', [free, me()])],
  }
}

export const energyAndRate = (energy: bigint, at: bigint): string => `${kwh(energy)} · ${rate(at)}`
