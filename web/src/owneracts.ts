// What only the market's organization can sign.
import { who, toMarket } from './acts'
import { organization, records, step } from './chain/contract'
import { Refused } from './chain/node'
import { account } from './chain/wallets'
import type { Address } from './market'
import type { Act } from './transaction'
import { t } from './words'

/** Cars that one transaction registers. */
export const BATCH = 50
const SHOWN = 5

/** Said before the chain refuses it. */
async function asOwner(): Promise<void> {
  const { owner } = await organization()
  if (owner !== account.value) throw new Refused('OwnableUnauthorizedAccount', { account: account.value ?? '' }, '')
}

/** Register cars with their notes, those that are not registered by now, so many in a transaction. */
export async function register(cars: readonly { address: string; infos: string }[]): Promise<Act> {
  await asOwner()
  const known = await records(cars.map((one) => one.address as Address))
  const lacking = cars.filter((_, at) => !known[at]?.registered)
  if (lacking.length === 0) throw new Refused('AlreadyEV', { account: cars[0]?.address ?? '' }, '')
  const batches = Array.from({ length: Math.ceil(lacking.length / BATCH) }, (_, at) => lacking.slice(at * BATCH, (at + 1) * BATCH))
  return {
    title: () => t('register.title', { count: lacking.length }), button: () => t('register.button', { count: lacking.length }),
    rows: () => [
      ...lacking.slice(0, SHOWN).map(({ address, infos }) => [infos || t('market.evs'), address] as [string, string]),
      ...(lacking.length > SHOWN ? [[t('register.others'), String(lacking.length - SHOWN)] as [string, string]] : []), toMarket(),
    ],
    risks: () => [t('register.risk'), ...(batches.length > 1 ? [t('register.batches', { count: batches.length })] : [])],
    done: () => t('register.done', { count: lacking.length }),
    steps: batches.map((batch) => step('addEVs', [batch.map((one) => one.address), batch.map((one) => one.infos)])),
  }
}

/** End a car's right to ask and to bid. */
export async function remove(address: Address): Promise<Act> {
  await asOwner()
  const whom = who(address) // afterwards it has no name here any more
  return {
    title: () => t('unregister.title', { who: whom }), button: () => t('unregister.button'),
    rows: () => [[t('unregister.car'), address], toMarket()],
    risks: () => [t('unregister.risk')],
    done: () => t('unregister.done', { who: whom }),
    steps: [step('removeEV', [address])],
  }
}

/** Take no new auctions from now on, or take them again. */
export async function setOpen(isOpen: boolean): Promise<Act> {
  await asOwner()
  const kind = isOpen ? 'opening' : 'closing'
  return {
    title: () => t(`${kind}.title`), button: () => t(`${kind}.title`),
    rows: () => [toMarket()], risks: () => [t(`${kind}.risk`)], done: () => t(`${kind}.done`),
    steps: [step('setActive', [isOpen])],
  }
}

/** Offer the market to somebody, who then has to accept it. */
export async function handOver(to: Address): Promise<Act> {
  await asOwner()
  return {
    title: () => t('handover.title'), button: () => t('handover.title'),
    rows: () => [[t('handover.to'), to], toMarket()], risks: () => [t('handover.risk')], done: () => t('handover.done'),
    steps: [step('transferOwnership', [to])],
  }
}

/** Accept a market that was offered. */
export async function takeOver(): Promise<Act> {
  const { pending } = await organization()
  if (pending !== account.value) throw new Refused('OwnableUnauthorizedAccount', { account: account.value ?? '' }, '')
  return {
    title: () => t('takeover.title'), button: () => t('takeover.title'),
    rows: () => [toMarket()], risks: () => [t('takeover.risk')], done: () => t('takeover.done'),
    steps: [step('acceptOwnership', [])],
  }
}
