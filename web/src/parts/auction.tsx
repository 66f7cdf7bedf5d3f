// An auction as everybody sees it: best bid, time left, what it costs, how the bids went.
import { useEffect, useState } from 'preact/hooks'
import { who } from '../acts'
import { account } from '../chain/wallets'
import { CONNECTORS, get, plain, type Auction, type MarketEvent } from '../market'
import { happened } from '../service'
import { chainNow, duration } from '../time'
import { kwh, money, rate, t } from '../words'
import { Icon } from './icons'

const PERCENT = 100
const NEAR = 60

/** Time left, or that it is over; the last minute is marked. */
export function Countdown({ until }: { until: number }) {
  const left = until - chainNow.value
  if (left <= 0) return <span class="left over">{t('auction.closed')}</span>
  return <span class={left <= NEAR ? 'left near' : 'left'}><Icon name="clock" />{duration(left)}</span>
}

export function Leader({ auction }: { auction: Auction }) {
  if (auction.provider === null) return <span class="quiet">{t('auction.nobid')}</span>
  const isMe = auction.provider === account.value
  return (
    <span class={isMe ? 'tag good' : 'tag'}>
      {isMe && <Icon name="lead" />}{isMe ? t('auction.leads.you') : t('auction.leads', { who: who(auction.provider) })}
    </span>
  )
}

/** The middle of an auction's page: the price, big. */
export function Price({ auction }: { auction: Auction }) {
  const { rate: best, maxRate, energy } = auction
  const saved = best === null ? 0n : ((maxRate - best) * BigInt(PERCENT)) / maxRate
  return (
    <section class="card price" aria-live="polite">
      <p class="label">{best === null ? t('auction.nobid') : t('auction.best')}</p>
      <p class="big">{rate(best ?? maxRate)}</p>
      <p class="quiet">
        {best === null ? t('auction.atmost', { rate: maxRate }) : t('auction.cost', { cost: best * energy, energy })}
        {saved > 0n && <> · <span class="good">{t('auction.saves', { percent: saved })}</span></>}
      </p>
      <div class="split">{auction.state === 'open' && <Countdown until={auction.closing} />}<Leader auction={auction} /></div>
    </section>
  )
}

/** All that has happened in an auction, read anew whenever something has. */
export function useEvents(id: string): MarketEvent[] | null | undefined {
  const [events, setEvents] = useState<MarketEvent[] | null | undefined>(undefined)
  const turn = happened.value
  useEffect(() => {
    let isCurrent = true
    get<{ events: MarketEvent[] }>(`auctions/${id}`)
      .then((answer) => isCurrent && setEvents(answer?.events))
      .catch(() => isCurrent && setEvents((before) => before ?? null))
    return () => {
      isCurrent = false
    }
  }, [id, turn])
  return events
}

const WIDTH = 320
const HEIGHT = 72

/** The bids, as steps downwards. */
export function Bids({ auction, events }: { auction: Auction; events: MarketEvent[] | null | undefined }) {
  const bids = (events ?? []).filter((one) => one.event === 'BidPlaced')
  if (bids.length === 0) return null
  const share = (value: string) => Number((BigInt(value) * 1_000n) / auction.maxRate) / 1_000
  const lowest = Math.min(...bids.map((one) => share(one['rate'] as string)))
  const y = (at: number) => 6 + (HEIGHT - 12) * (lowest === 1 ? 0.5 : (1 - at) / (1 - lowest))
  const x = (at: number) => (WIDTH * at) / (bids.length + 1)
  const steps = bids.map((one, at) => `H${x(at + 1)}V${y(share(one['rate'] as string))}`).join('')
  return (
    <section class="card">
      <h3>{t('auction.bids')}</h3>
      <svg class="steps" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <path d={`M0 ${y(1)}${steps}H${WIDTH}`} />
      </svg>
      <ol class="bids" reversed>
        {[...bids].reverse().map((one) => (
          <li key={one.transaction}>
            <span>{one['provider'] === account.value ? t('you') : who(one['provider'] as string)}</span>
            <span>{rate(BigInt(one['rate'] as string))}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** What the consumer wrote: text of anybody, shown as text. */
export function DetailsLine({ auction }: { auction: Auction }) {
  const { connector, maxPowerKW, place, note } = auction.details
  const parts = [connector && (CONNECTORS[connector] ?? connector), maxPowerKW && `${maxPowerKW} kW`, place, note].filter(Boolean)
  const said = parts.length > 0 ? parts.join(' · ') : auction.text
  return said ? <p class="quiet details">{plain(said)}</p> : null
}

export function Exact({ auction }: { auction: Auction }) {
  return (
    <details class="exact">
      <summary>{t('auction.exact')}</summary>
      <dl>
        <dt>id</dt><dd>{auction.id}</dd>
        <dt>energyWh</dt><dd>{String(auction.energy)}</dd>
        <dt>maxRate</dt><dd>{String(auction.maxRate)}</dd>
        <dt>rate</dt><dd>{auction.rate === null ? '–' : String(auction.rate)}</dd>
        <dt>reserve</dt><dd>{String(auction.reserve)}</dd>
        <dt>consumer</dt><dd>{auction.consumer}</dd>
        <dt>provider</dt><dd>{auction.provider ?? '–'}</dd>
        <dt>validity</dt><dd>{auction.validity} s</dd>
        <dt>details</dt><dd>{plain(auction.text, 600) || '–'}</dd>
      </dl>
    </details>
  )
}

export const summary = (auction: Auction): string => `${kwh(auction.energy)} · ${money(auction.energy * (auction.rate ?? auction.maxRate))}`
