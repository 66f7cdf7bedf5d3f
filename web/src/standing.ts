// How the account that is used stands in the market, read from the chain after every block that matters.
import { effect, signal } from '@preact/signals'
import { standing, type Standing } from './chain/contract'
import { account } from './chain/wallets'
import { config, get, type MarketEvent } from './market'
import { happened } from './service'

export const mine = signal<Standing | null>(null)
/** What has happened to it, the newest first; null while it is not known. */
export const activity = signal<MarketEvent[] | null>(null)

const LATEST = 50

/** Read it now. */
export async function standingNow(): Promise<Standing | null> {
  const address = account.value
  if (!address || !config.value) {
    mine.value = null
    return null
  }
  const read = await standing(address)
  if (account.value === address) mine.value = read
  return read
}

async function activityNow(): Promise<void> {
  const address = account.value
  const answer = address && (await get<{ events: MarketEvent[] }>(`accounts/${address}/activity?limit=${LATEST}`))
  if (account.value === address) activity.value = answer ? answer.events : null
}

/** Keep it current. */
export function keepStanding(): void {
  effect(() => {
    happened.value
    account.value
    // What fails is tried again with the next block; the banner says that the node does not answer.
    void standingNow().catch(() => null)
    void activityNow().catch(() => null)
  })
}
