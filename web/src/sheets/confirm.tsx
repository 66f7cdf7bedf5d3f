// Shows what is to be signed before it is, and what becomes of it after.
import { account, isElsewhere, switchChain, wallet } from '../chain/wallets'
import { config, currency, plain } from '../market'
import { Icon } from '../parts/icons'
import { Sheet } from '../parts/sheet'
import { deviceNow } from '../time'
import { check, dismiss, isRefusal, leave, OtherAccount, progress, sign, type Progress } from '../transaction'
import { t, type Key, type Value } from '../words'
import { isConnecting } from './connect'
import { en } from '../words/en'

const SLOW = 36
const BUSY: Progress['phase'][] = ['checking', 'asking', 'sent', 'mined']

/** What went wrong, in a sentence: the contract's own reason where there is one. */
export function said(error: unknown): string {
  if (isRefusal(error)) {
    const key = `refused.${error.reason}`
    return error.reason && key in en ? t(key as Key, error.args as Record<string, Value>) : error.message
  }
  if (error instanceof OtherAccount) return t('tx.otheraccount', { account: error.account })
  const { shortMessage, message } = (error ?? {}) as { shortMessage?: string; message?: string }
  return plain(shortMessage ?? message ?? String(error), 200)
}

/** Whether a sentence of ours says all of it. */
const isSaid = (error: unknown): boolean => (isRefusal(error) ? error.reason !== null : error instanceof OtherAccount)

/** What has become of it, in a sentence. */
export function outcome(now: Progress): string {
  switch (now.phase) {
    case 'mined':
      return t('tx.mined', { depth: now.depth, needed: Math.max(1, config.value?.confirmations ?? 1) })
    case 'final':
      return now.repriced ? t('tx.repriced') : now.act.done()
    case 'refused':
      return isSaid(now.error) ? said(now.error) : t('tx.unclear', { said: said(now.error) })
    case 'failed':
      return isRefusal(now.error) ? said(now.error) : t('tx.failed', { said: said(now.error) })
    case 'ready':
      return ''
    case 'sent':
      return deviceNow.value - now.sentAt / 1_000 > SLOW ? t('tx.slow') : t('tx.sent')
    default:
      return t(`tx.${now.phase}`)
  }
}

function stepName(now: Progress): string {
  const step = now.act.steps[now.step]
  if (step?.method === 'approve') return t('tx.step.approve', { symbol: currency.value.symbol })
  return step?.method === 'deposit' && now.step < now.act.steps.length - 1 ? t('tx.step.deposit') : t('tx.step.last')
}

export function ConfirmSheet() {
  const now = progress.value
  if (now === null) return null
  const isBusy = BUSY.includes(now.phase)
  const many = now.act.steps.length
  return (
    <Sheet title={now.act.title() || t('tx.checking')} onClose={dismiss}>
      {now.phase === 'ready' && <Shown now={now} />}
      {many > 1 && now.phase !== 'final' && (
        <p class="quiet">{t('tx.step', { number: now.step + 1, count: many, what: stepName(now) })}</p>
      )}
      {now.phase !== 'ready' && (
        <div class={`outcome ${now.phase}`} role="status">
          {isBusy ? <span class="spinner" aria-hidden="true" /> : <Icon name={now.phase === 'final' ? 'check' : 'warn'} />}
          <p>{outcome(now)}</p>
        </div>
      )}
      <Buttons now={now} />
    </Sheet>
  )
}

function Shown({ now }: { now: Progress }) {
  const risks = now.act.risks()
  return (
    <>
      <dl class="facts">
        {now.act.rows().map(([label, value]) => <Fact key={label} label={label} value={value} />)}
        <Fact label={t('row.gas')} value={t('gas.about', { fee: now.fee })} />
        <Fact label={t('row.nonce')} value={`#${now.nonce}`} />
      </dl>
      {risks.length > 0 && (
        <section class="risks">
          <h3>{t('row.risks')}</h3>
          <ul>{risks.map((risk) => <li key={risk}>{risk}</li>)}</ul>
        </section>
      )}
      {wallet.value?.isPlay && <p class="quiet">{t('tx.play')}</p>}
    </>
  )
}

const Fact = ({ label, value }: { label: string; value: string }) => <div><dt>{label}</dt><dd>{value}</dd></div>

/** With the account, which has to be connected first where a page has just been opened. */
function goOn(): void {
  if (account.value === null) isConnecting.value = true
  else void check()
}

function Buttons({ now }: { now: Progress }) {
  if (isElsewhere.value && now.phase !== 'final') {
    return (
      <div class="buttons">
        <button type="button" class="main" onClick={async () => { if (await switchChain()) await check() }}>{t('banner.switch')}</button>
      </div>
    )
  }
  switch (now.phase) {
    case 'ready':
      return <div class="buttons"><button type="button" class="main" disabled={!account.value} onClick={() => void sign()}>{now.act.button()}</button></div>
    case 'rejected':
    case 'elsewhere':
    case 'failed':
    case 'dropped':
    case 'replaced':
      return (
        <div class="buttons">
          <button type="button" class="main" onClick={() => void check()}>{t('tx.retry')}</button>
          <button type="button" class="second" onClick={dismiss}>{t('close')}</button>
        </div>
      )
    case 'refused':
      return (
        <div class="buttons">
          <button type="button" class="main" onClick={dismiss}>{t('close')}</button>
          <button type="button" class="second" onClick={() => void check()}>{t('tx.again')}</button>
        </div>
      )
    case 'between':
      return (
        <div class="buttons">
          <button type="button" class="main" onClick={goOn}>{t('tx.goon')}</button>
          <button type="button" class="second" onClick={leave}>{t('tx.leave')}</button>
        </div>
      )
    case 'asking':
    case 'sent':
    case 'mined':
    case 'reorganised':
      return <div class="buttons"><button type="button" class="second" onClick={dismiss}>{t('tx.hide')}</button></div>
    case 'final':
    case 'cancelled':
      return <div class="buttons"><button type="button" class="main" onClick={dismiss}>{t('close')}</button></div>
    default:
      return null
  }
}
