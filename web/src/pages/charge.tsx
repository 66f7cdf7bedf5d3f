// For who needs energy: asking for it, and what has come of it.
import { computed, effect, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import * as acts from '../acts'
import { account, wallet } from '../chain/wallets'
import { auctionOf, CONNECTORS, currency, get, takePast, type Past } from '../market'
import { decimalText, parseEnergy, parsePositive, parseRate, rateDecimals } from '../money'
import { Bids, Exact, Price, useEvents } from '../parts/auction'
import { Choice, NumberField, reading, TextField } from '../parts/fields'
import { act, Asker, Connected } from '../parts/roles'
import { mine } from '../standing'
import { kwh, rate, t } from '../words'
import { Latest } from './happenings'

const DAY_MINUTES = 7n * 24n * 60n
const DAY_HOURS = 7n * 24n

const energy = signal('20')
const most = signal('')
const connector = signal('IEC_62196_T2')
const USUAL = '10'
const minutes = signal(USUAL)
const hours = signal('2')
const place = signal('')
const note = signal('')
const openAward = signal(false)

// Who plays does not want to wait.
effect(() => {
  if (wallet.value?.isPlay && minutes.peek() === USUAL) minutes.value = '1'
})

const energyRead = computed(() => reading(energy.value, parseEnergy))
const rateRead = computed(() => reading(most.value, (text) => parseRate(text, currency.value)))
const minutesRead = computed(() => reading(minutes.value, (text) => parsePositive(text, 0, DAY_MINUTES)))
const hoursRead = computed(() => reading(hours.value, (text) => parsePositive(text, 0, DAY_HOURS)))
const placeProblem = computed(() =>
  /^\s*([+-]?\d{1,2}(\.\d+)?\s*,\s*[+-]?\d{1,3}(\.\d+)?\s*)?$/.test(place.value) ? null : t('place.wrong'))

/** Two decimals of a place, about a kilometre: more is nobody's business. */
const coarse = (text: string): string => text.split(',').map((one) => Number(one).toFixed(2)).join(',')

function details(): string {
  const said = {
    ...(place.value.trim() && { place: coarse(place.value) }),
    ...(connector.value && { connector: connector.value }),
    ...(note.value.trim() && { note: note.value.trim() }),
  }
  return Object.keys(said).length > 0 ? JSON.stringify(said) : ''
}

/** What others were ready to pay lately, to begin with. */
async function suggest(): Promise<void> {
  if (most.value) return
  const answer = await get<{ auctions: unknown[] }>('auctions/past?limit=1').catch(() => null)
  const [last] = (answer?.auctions ?? []).map((one) => takePast(one as never)) as [Past?]
  if (last && !most.value) most.value = decimalText(last.maxRate, rateDecimals(currency.value))
}

function Form() {
  useEffect(() => void suggest(), [])
  const [asked, limit, bidding, charging] = [energyRead, rateRead, minutesRead, hoursRead].map((read) => read.value.value)
  const reserve = asked && limit ? asked * limit : null
  const free = mine.value?.free ?? 0n
  const lacking = reserve !== null && mine.value !== null && reserve > free + mine.value.wallet
  const isReady = reserve !== null && bidding && charging && !placeProblem.value && !lacking
  const submit = (event: Event) => {
    event.preventDefault()
    if (!isReady) return
    const wish = {
      energy: asked as bigint, maxRate: limit as bigint, minutes: Number(bidding), hours: Number(charging),
      openAward: openAward.value, details: details(),
    }
    act('ask', wish)
  }
  return (
    <form onSubmit={submit}>
      <p class="lead">{t('charge.empty')}</p>
      <div class="card">
        <NumberField label={t('charge.energy')} unit="kWh" text={energy} read={energyRead} shown={kwh} />
        <NumberField label={t('charge.rate')} unit={currency.value.symbol} text={most} read={rateRead} shown={rate} />
        <Choice label={t('charge.connector')} value={connector.value} onChange={(value) => (connector.value = value)}
          options={[['', t('charge.any')], ...Object.entries(CONNECTORS)]} />
        <details>
          <summary>{t('more')}</summary>
          <NumberField label={t('charge.minutes')} unit="min" text={minutes} read={minutesRead} shown={(value) => `${value} min`} />
          <NumberField label={t('charge.hours')} unit="h" text={hours} read={hoursRead} shown={(value) => `${value} h`} />
          <TextField label={t('charge.place')} text={place} hint={t('charge.place.hint')} problem={placeProblem.value} />
          <TextField label={t('charge.note')} text={note} />
          <label class="check">
            <input type="checkbox" checked={openAward.value} onChange={(event) => (openAward.value = event.currentTarget.checked)} />
            <span>{t('charge.open')} <span class="quiet">{t('charge.open.hint')}</span></span>
          </label>
        </details>
      </div>
      <p class={lacking ? 'wrong' : 'quiet'}>
        {lacking
          ? t('charge.lacking', { wallet: mine.value?.wallet ?? 0n, free, needed: reserve })
          : reserve === null ? t('charge.locks.none') : t('charge.locks', { reserve })}
      </p>
      <div class="buttons"><button type="submit" class="main" disabled={!isReady}>{t('charge.ask')}</button></div>
    </form>
  )
}

function Own({ auction }: { auction: NonNullable<ReturnType<typeof auctionOf>> }) {
  const events = useEvents(auction.id)
  return (
    <>
      <p class="lead">{t('auction.yours')}: {acts.energyAndRate(auction.energy, auction.maxRate)}</p>
      {auction.state === 'connected' ? <Connected auction={auction} /> : <><Price auction={auction} /><Asker auction={auction} /></>}
      <Bids auction={auction} events={events} />
      <Exact auction={auction} />
    </>
  )
}

/** What this is, in three lines; `index.html` has them too, for before anything else is there. */
export const Welcome = () => <ul class="welcome"><li>{t('welcome.1')}</li><li>{t('welcome.2')}</li><li>{t('welcome.3')}</li></ul>

export function ChargePage() {
  const own = account.value ? auctionOf(account.value) : undefined
  return (
    <>
      <h1>{t('charge.heading')}</h1>
      {own ? <Own auction={own} /> : <><Latest as="consumer" /><Form /></>}
      {account.value === null && <Welcome />}
    </>
  )
}
