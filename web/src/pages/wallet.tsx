// Money, what has happened, how the page is to be, and the market's rules.
import { computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { account, forget } from '../chain/wallets'
import { currency, running } from '../market'
import { parseMoney } from '../money'
import { dropFiles } from '../offline'
import { NumberField, reading, Choice } from '../parts/fields'
import { act, bondOf } from '../parts/roles'
import { isConnecting } from '../sheets/connect'
import { activity, mine } from '../standing'
import { theme, THEMES, useTheme } from '../theme'
import { language, LANGUAGES, money, speak, t, type Language } from '../words'
import { Happenings } from './happenings'

const amount = signal('')
const amountRead = computed(() => reading(amount.value, (text) => parseMoney(text, currency.value)))

/** What the account has locked in what runs now. */
const locked = computed(() => running.value.reduce((sum, one) => sum
  + (one.consumer === account.value ? one.reserve : 0n) + (one.provider === account.value ? bondOf(one) : 0n), 0n))

function Money() {
  const has = mine.value
  if (account.value === null) {
    return (
      <div class="card">
        <p>{t('wallet.connectfirst')}</p>
        <button type="button" class="main" onClick={() => (isConnecting.value = true)}>{t('connect')}</button>
      </div>
    )
  }
  const value = amountRead.value.value
  return (
    <section class="card">
      <dl class="money">
        <div class="first"><dt>{t('wallet.free')}</dt><dd>{has ? money(has.free) : '…'}</dd></div>
        <div><dt>{t('wallet.locked')}</dt><dd>{money(locked.value)}</dd></div>
        <div><dt>{t('wallet.wallet')}</dt><dd>{has ? money(has.wallet) : '…'}</dd></div>
        {currency.value.address && <div><dt>{t('wallet.gas')}</dt><dd>{has ? t('gas.about', { fee: has.ether }) : '…'}</dd></div>}
      </dl>
      {has && <p class="quiet">{t('wallet.trades', { completed: has.completed, noShows: has.noShows })}</p>}
      <NumberField label={t('wallet.add.amount')} unit={currency.value.symbol} text={amount} read={amountRead} shown={money} />
      <div class="pair">
        <button type="button" class="second" disabled={value === null} onClick={() => value && act('deposit', value)}>{t('wallet.add')}</button>
        <button type="button" class="second" disabled={!has || has.free === 0n} onClick={() => act('withdraw')}>{t('wallet.withdraw')}</button>
      </div>
    </section>
  )
}

async function forgetDevice(): Promise<void> {
  forget()
  localStorage.clear()
  await dropFiles()
  location.reload()
}

export function WalletPage() {
  useEffect(() => { amount.value = '' }, [account.value])
  return (
    <>
      <h1>{t('wallet.heading')}</h1>
      <Money />
      {account.value && (
        <>
          <h2>{t('wallet.activity')}</h2>
          {activity.value?.length ? <Happenings events={activity.value} /> : <p class="quiet">{t('wallet.activity.none')}</p>}
        </>
      )}
      <h2>{t('wallet.settings')}</h2>
      <div class="card">
        <Choice label={t('wallet.language')} value={language.value} options={Object.entries(LANGUAGES) as [Language, string][]}
          onChange={(chosen) => { localStorage.setItem('language', chosen); void speak(chosen) }} />
        <Choice label={t('wallet.theme')} value={theme.value} options={THEMES.map((one) => [one, t(`wallet.theme.${one}`)] as const)}
          onChange={useTheme} />
        <button type="button" class="second" onClick={() => void forgetDevice()}>{t('wallet.forget')}</button>
      </div>
      <a class="choice" href="#/market"><span class="blank">§</span><span>{t('wallet.rules')}</span></a>
    </>
  )
}
