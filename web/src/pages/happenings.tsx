// What has happened, line by line, the newest first.
import { who } from '../acts'
import type { MarketEvent } from '../market'
import { seconds } from '../time'
import { t, type Key } from '../words'
import { en } from '../words/en'

function Line({ event }: { event: MarketEvent }) {
  const key = `event.${event.event}`
  const actor = event['provider'] ?? event['consumer'] ?? event['account'] ?? event['ev']
  return (
    <li>
      <span>{t((key in en ? key : 'event.other') as Key, event)}</span>
      <span class="quiet">{actor && who(actor)} · {t('at', { time: seconds(event.timestamp) })}</span>
      {event['auctionId'] && <a href={`#/auction/${event['auctionId']}`} aria-label={t('more')}>→</a>}
    </li>
  )
}

export function Happenings({ events }: { events: MarketEvent[] }) {
  return <ul class="happenings">{events.map((one) => <Line key={`${one.block}-${one['logIndex']}`} event={one} />)}</ul>
}
