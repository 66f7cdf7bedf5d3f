// What is around every screen: the market's name, whether it is live, the account, what is wrong, the tabs.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { account, isElsewhere, isPlay, switchChain, wallet, walletChain } from '../chain/wallets'
import { config, currency, head, heardAt, labelOf, reorganised } from '../market'
import { isNewer, renew } from '../offline'
import { route, TABS } from '../router'
import { STALE, trouble } from '../service'
import { outcome } from '../sheets/confirm'
import { isConnecting } from '../sheets/connect'
import { mine } from '../standing'
import { deviceNow } from '../time'
import { isShown, isUnderWay, progress } from '../transaction'
import { short, t } from '../words'
import { Icon } from './icons'

const switchFailed = signal(false)

const age = (): number => Math.max(0, Math.floor(deviceNow.value - heardAt.value / 1_000))

function Live() {
  const seconds = age()
  const isOld = seconds * 1_000 > STALE / 2
  const isOff = !navigator.onLine || trouble.value !== null
  const said = isOff ? t('live.offline') : isOld ? t('live.age', { age: seconds }) : t('live.live')
  return <span class={`live ${isOff ? 'off' : isOld ? 'old' : 'on'}`}>{said}</span>
}

export function Header() {
  const address = account.value
  return (
    <header>
      <div class="name">
        <strong>{t('market.title')}</strong>
        <span class="where">{currency.value.symbol}{config.value && !config.value.isLocal && ` · ${config.value.network}`} <Live /></span>
      </div>
      <button type="button" class="chip" onClick={() => (isConnecting.value = true)}>
        {address ? labelOf(address) || short(address) : t('connect')}
      </button>
    </header>
  )
}

/** The one thing that is wrong now: the most severe wins. */
export function Banner() {
  if (isElsewhere.value) {
    return (
      <Alert>
        {switchFailed.value
          ? t('banner.switch.failed')
          : t('banner.elsewhere', { wallet: walletChain.value ?? 0, market: config.value?.chainId ?? 0 })}
        <button type="button" onClick={async () => (switchFailed.value = !(await switchChain()))}>{t('banner.switch')}</button>
      </Alert>
    )
  }
  const since = Math.floor(heardAt.value / 1_000)
  if (!navigator.onLine) return <Alert>{t('banner.offline', { since })}</Alert>
  if (trouble.value !== null) return <Alert>{t('banner.node', { said: trouble.value })}</Alert>
  if (heardAt.value > 0 && age() * 1_000 > STALE) return <Alert>{t('banner.stale', { span: age() })}</Alert>
  if (head.value?.behind) return <Alert>{head.value.behind}</Alert>
  // Who looks after the market's cars needs none.
  if (account.value && mine.value && !mine.value.registered && route.value.page !== 'market') {
    return <Alert>{t('banner.unregistered')} <code>{account.value}</code></Alert>
  }
  if (reorganised.value !== null) {
    return (
      <Alert>
        {t('banner.reorganised', { block: reorganised.value })}
        <button type="button" onClick={() => (reorganised.value = null)}>{t('close')}</button>
      </Alert>
    )
  }
  if (isNewer.value && !isUnderWay()) {
    return <Alert>{t('banner.newer')}<button type="button" onClick={renew}>{t('banner.renew')}</button></Alert>
  }
  return null
}

const Alert = ({ children }: { children: ComponentChildren }) =>
  <div class="banner" role="status"><Icon name="warn" /><div>{children}</div></div>

export function Tabs() {
  return (
    <nav class="tabs" aria-label={t('market.title')}>
      {TABS.map((name) => {
        const isHere = route.value.page === name
        return (
          <a key={name} href={`#/${name}`} aria-current={isHere ? 'page' : undefined}>
            <Icon name={name} filled={isHere && name === 'charge'} />
            {t(`tab.${name}`)}
          </a>
        )
      })}
    </nav>
  )
}

/** A transaction whose sheet was put away, and that goes on. */
export function UnderWay() {
  const now = progress.value
  if (isShown.value || now === null) return null
  const goesOn = isUnderWay() && now.phase !== 'between'
  return (
    <button type="button" class="underway" onClick={() => (isShown.value = true)}>
      {goesOn ? <span class="spinner" aria-hidden="true" /> : <Icon name={now.phase === 'final' ? 'check' : 'warn'} />}
      <span>{goesOn ? now.act.title() : outcome(now)}</span>
    </button>
  )
}

export function PlayMark() {
  return isPlay.value && wallet.value?.isPlay ? <div class="play" role="note">{t('banner.play')}</div> : null
}
