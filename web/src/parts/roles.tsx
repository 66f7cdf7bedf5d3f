// What one can do about an auction, by who one is in it.
import { computed, useComputed, useSignal } from '@preact/signals'
import * as acts from '../acts'
import { account } from '../chain/wallets'
import type { Name, Values } from '../intents'
import { awardDeadline, currency, endsFree, parameter, type Auction } from '../market'
import { nextRate, parseRate } from '../money'
import { activity, mine } from '../standing'
import { chainNow } from '../time'
import { propose } from '../transaction'
import { isConnecting } from '../sheets/connect'
import { rate, t } from '../words'
import { NumberField, reading } from './fields'

const LATE = 12

const bps = (name: string, of: bigint): bigint => (of * parameter(name)) / 10_000n
export const penaltyOf = (auction: Auction): bigint => bps('penaltyBps', auction.reserve)
export const bondOf = (auction: Auction): bigint => bps('bondBps', auction.reserve)

/** In which auctions this account has bid, as far as its latest activity tells. */
export const bidIn = computed(() => new Set((activity.value ?? [])
  .filter((one) => one.event === 'BidPlaced' && one['provider'] === account.value).map((one) => one['auctionId'])))

/** Whoever presses what needs an account is asked for one first. */
export function act<Of extends Name>(name: Of, ...args: Values<Of>): void {
  if (account.value === null) isConnecting.value = true
  else void propose({ name, args })
}

/** For who asked, while it is open. */
export function Asker({ auction }: { auction: Auction }) {
  const isOver = chainNow.value >= auction.closing
  const until = awardDeadline(auction.closing)
  const isFree = endsFree(auction, chainNow.value)
  const cancel = (
    <button type="button" class="second" onClick={() => act('cancel', auction.id)}>
      {isFree ? t('auction.cancel.free') : t('auction.cancel.costs', { penalty: penaltyOf(auction) })}
    </button>
  )
  if (!isOver) return <div class="buttons">{cancel}</div>
  if (auction.rate === null) {
    return (
      <div class="buttons">
        <p>{t('auction.unsold')}</p>
        <button type="button" class="main" onClick={() => act('accept', auction.id)}>{t('unsold.button')}</button>
      </div>
    )
  }
  if (chainNow.value >= until) return <div class="buttons"><p>{t('auction.accept.over')}</p>{cancel}</div>
  return (
    <div class="buttons">
      <button type="button" class="main" onClick={() => act('accept', auction.id)}>
        {t('auction.accept', { rate: auction.rate })}
      </button>
      <p class="quiet">
        {auction.openAward ? t('auction.accept.open', { until }) : t('auction.accept.until', { until, penalty: penaltyOf(auction) })}
      </p>
      {cancel}
    </div>
  )
}

/** For who could deliver, while it is open. */
export function Bidder({ auction, isShort = false }: { auction: Auction; isShort?: boolean }) {
  const text = useSignal('')
  const next = nextRate(auction.rate, auction.maxRate, parameter('minDecrementBps'))
  const read = useComputed(() => reading(text.value, (typed) => parseRate(typed, currency.value)))
  const left = auction.closing - chainNow.value
  const leads = auction.provider === account.value && account.value !== null
  if (left <= 0) {
    if (leads) return <Winner auction={auction} />
    const wasIn = bidIn.value.has(auction.id)
    return wasIn && auction.rate !== null ? <p>{t('auction.lost', { rate: auction.rate })}</p> : null
  }
  if (leads) {
    return (
      <div class="buttons">
        <p class="good" role="status">{t('auction.leading', { rate: auction.rate ?? 0n, bond: bondOf(auction) })}</p>
        {!isShort && (
          <button type="button" class="second" onClick={() => act('removeBid', auction.id)}>
            {t('earn.removebid', { penalty: penaltyOf(auction) })}
          </button>
        )}
      </div>
    )
  }
  if (next === null) return null
  const typed = read.value.value
  const isTooHigh = typed !== null && typed > next
  const offered = typed ?? next
  return (
    <div class="buttons">
      {bidIn.value.has(auction.id) && auction.rate !== null && (
        <p class="wrong" role="alert">{t('auction.outbid', { rate: auction.rate })}</p>
      )}
      {!isShort && (
        <NumberField label={t('earn.other')} unit={currency.value.symbol} text={text} read={read} shown={rate} />
      )}
      {isTooHigh && <p class="wrong">{t('earn.toohigh', { rate: next })}</p>}
      <button type="button" class="main" disabled={isTooHigh || read.value.problem !== null}
        onClick={() => act('bid', auction.id, offered)}>
        {t('earn.bid', { rate: offered })}
      </button>
      <p class="quiet">
        {t('earn.get', { cost: offered * auction.energy })} · {t('earn.bond', { bond: bondOf(auction) })}
        {left < LATE && <> · <strong>{t('auction.late')}</strong></>}
      </p>
      {mine.value && !mine.value.registered && <p class="wrong">{t('refused.NotEV', { account: account.value ?? '' })}</p>}
    </div>
  )
}

/** For whose bid stands after the close: the consumer's turn, or anybody's. */
function Winner({ auction }: { auction: Auction }) {
  const until = awardDeadline(auction.closing)
  const penalty = endsFree(auction, chainNow.value) ? 0n : penaltyOf(auction)
  if (chainNow.value >= until) {
    return (
      <div class="buttons">
        <p>{t('auction.accept.over')}</p>
        <button type="button" class="main" onClick={() => act('missed', auction.id)}>
          {penalty === 0n ? t('expire.button') : t('missed.button', { penalty })}
        </button>
      </div>
    )
  }
  return (
    <div class="buttons">
      <p class="good">{t('auction.won', { who: acts.who(auction.consumer), until })}</p>
      {auction.openAward && (
        <button type="button" class="main" onClick={() => act('accept', auction.id)}>
          {t('auction.accept', { rate: auction.rate ?? 0n })}
        </button>
      )}
    </div>
  )
}

/** For the two whom the award has connected. */
export function Connected({ auction }: { auction: Auction }) {
  const cost = auction.energy * (auction.rate ?? 0n)
  const end = (auction.connectedAt ?? 0) + auction.validity
  const expiry = end + Number(parameter('settlementWindow'))
  const isConsumer = auction.consumer === account.value
  const other = isConsumer ? auction.provider ?? '' : auction.consumer
  return (
    <section class="card connected">
      <h3>{isConsumer ? t('connected.delivers', { who: acts.who(other) }) : t('connected.deliver', { who: acts.who(other) })}</h3>
      <p class="big">{acts.energyAndRate(auction.energy, auction.rate ?? 0n)}</p>
      <p class="quiet">{t('connected.cost', { cost, energy: auction.energy, rate: auction.rate ?? 0n })}</p>
      <p>{t('connected.until', { until: end })}</p>
      <div class="buttons">
        {isConsumer && (
          <>
            <button type="button" class="main" onClick={() => act('pay', auction.id)}>{t('connected.pay')}</button>
            <p class="quiet">{t('connected.pay.hint')}</p>
          </>
        )}
        {!isConsumer && auction.provider === account.value && (
          <>
            <p class="quiet">{t('connected.collect')}</p>
            <button type="button" class="second" onClick={() => act('forfeit', auction.id)}>
              {t('connected.giveup', { penalty: 2n * penaltyOf(auction) })}
            </button>
          </>
        )}
        {chainNow.value >= expiry && (
          <>
            <p class="wrong">{t('connected.expired')}</p>
            <button type="button" class="second" onClick={() => act('expire', auction.id)}>{t('connected.expire')}</button>
          </>
        )}
      </div>
    </section>
  )
}
