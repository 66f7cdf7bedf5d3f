// What has happened, line by line, the newest first.
import { getAddress } from 'viem'
import { who } from '../acts'
import { account } from '../chain/wallets'
import type { MarketEvent } from '../market'
import { activity } from '../standing'
import { seconds } from '../time'
import { t, type Key } from '../words'
import { en } from '../words/en'

const NOBODY = /^0x0{40}$/
/** Who has paid whom: nobody else is named beside these. */
const NAMES_BOTH: Key[] = ['event.BidRemoved', 'event.AuctionCancelled', 'event.paid', 'event.short', 'event.forfeited']
const OVER = ['ConnectionEnded', 'AuctionCancelled', 'AuctionEnded']

/** Who asked: an auction's id says so. */
function consumerOf(event: MarketEvent): string | undefined {
  const id = event['auctionId']
  return id && getAddress(`0x${(BigInt(id) >> 32n).toString(16).padStart(40, '0')}`)
}

/** The sentence that says what it was. */
function sentence(event: MarketEvent): Key {
  const { event: name, how, provider = '', penalty } = event
  if (name === 'ConnectionEnded') return `event.${how === 'agreed' ? 'paid' : how}` as Key
  if (name === 'AuctionEnded' && NOBODY.test(provider)) return 'event.unsold'
  if (name === 'AuctionCancelled' && penalty === '0') return 'event.free'
  return (`event.${name}` in en ? `event.${name}` : 'event.other') as Key
}

function Line({ event }: { event: MarketEvent }) {
  const said = sentence(event)
  const consumer = consumerOf(event)
  const provider = NOBODY.test(event['provider'] ?? '') ? undefined : event['provider']
  const actor = provider ?? consumer ?? event['account'] ?? event['ev'] ?? event['newOwner']
  const names = { ...event, consumer: who(consumer ?? ''), provider: who(provider ?? '') }
  return (
    <li>
      <span>{t(said, names)}</span>
      <span class="quiet">
        {actor && !NAMES_BOTH.includes(said) && `${who(actor)} · `}{t('at', { time: seconds(event.timestamp) })}
      </span>
      {event['auctionId'] && <a href={`#/auction/${event['auctionId']}`} aria-label={t('more')}>→</a>}
    </li>
  )
}

export function Happenings({ events }: { events: MarketEvent[] }) {
  return <ul class="happenings">{events.map((one) => <Line key={`${one.block}-${one['logIndex']}`} event={one} />)}</ul>
}

/** What has become of the last auction that this account asked or delivered in, if that is over. */
export function Latest({ as }: { as: 'consumer' | 'provider' }) {
  const whose = as === 'consumer' ? consumerOf : (event: MarketEvent) => event['provider']
  const last = activity.value?.find((event) => event['auctionId'] && whose(event) === account.value)
  return account.value && last && OVER.includes(last.event) ? <Happenings events={[last]} /> : null
}
