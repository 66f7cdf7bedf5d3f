// A car asks its owner for a word: what it may sign with it, whether it is the right car, and the way back to it.
import { useEffect, useState } from 'preact/hooks'
import { energyAndRate } from '../acts'
import type { Terms } from '../chain/contract'
import { asFile, asked, checkWords, leave, NotPaired, signKey, trade, type Asked } from '../chain/pairing'
import { account, isElsewhere, readChain } from '../chain/wallets'
import { Icon } from '../parts/icons'
import { route } from '../router'
import { said } from '../sheets/confirm'
import { isConnecting } from '../sheets/connect'
import { t } from '../words'
import type { Hex } from 'viem'

type Stage =
  | { at: 'looking' | 'ready' | 'asking' | 'rejected' | 'given' }
  | { at: 'refused' | 'undelivered'; why: string }

const REJECTED = 4_001
const why = (error: unknown): string => (error instanceof NotPaired ? t(error.key) : said(error))

/** What the code of this page asks for, or why it asks for nothing. */
function read(): Asked | string {
  try {
    return asked(route.value.query)
  } catch (error) {
    return why(error)
  }
}

export default function PairPage() {
  const one = read()
  return (
    <>
      <h1>{t('pair.heading')}</h1>
      {typeof one === 'string' ? <Wrong said={one} /> : <Pairing key={`${one.code}${account.value}`} one={one} />}
    </>
  )
}

const Wrong = ({ said }: { said: string }) => (
  <div class="outcome refused" role="alert"><Icon name="warn" /><p>{said} {t('pair.nothing')}</p></div>
)

function Pairing({ one }: { one: Asked }) {
  const [stage, setStage] = useState<Stage>({ at: 'looking' })
  const [terms, setTerms] = useState<Terms | null>(null)
  const [signature, setSignature] = useState<Hex | null>(null)

  async function look(): Promise<void> {
    try {
      setTerms(await trade(one))
      setStage({ at: 'ready' })
    } catch (error) {
      setStage({ at: 'refused', why: why(error) })
    }
  }

  useEffect(() => { if (account.value) void look() }, [])

  async function give(signed: Hex): Promise<void> {
    try {
      await leave(one, signed)
      setStage({ at: 'given' })
    } catch (error) {
      setStage({ at: 'undelivered', why: why(error) })
    }
  }

  async function sign(): Promise<void> {
    setStage({ at: 'asking' })
    try {
      await readChain()
      if (isElsewhere.value) return setStage({ at: 'ready' })
      await trade(one) // it may be over by now
      const signed = await signKey(one)
      setSignature(signed)
      await give(signed)
    } catch (error) {
      setStage((error as { code?: number }).code === REJECTED ? { at: 'rejected' } : { at: 'refused', why: why(error) })
    }
  }

  if (!account.value) {
    return (
      <div class="card">
        <p>{t('pair.connect')}</p>
        <button type="button" class="main" onClick={() => (isConnecting.value = true)}>{t('connect')}</button>
      </div>
    )
  }
  if (stage.at === 'refused') return <Wrong said={stage.why} />
  if (!terms) return <p class="starting">{t('tx.checking')}</p>
  const isProvider = terms.provider === account.value
  return (
    <>
      <section class="card">
        <p>{t(isProvider ? 'pair.scope.provider' : 'pair.scope', { energy: terms.energy, cost: terms.energy * terms.rate })}</p>
        <p class="quiet">{energyAndRate(terms.energy, terms.rate)}</p>
      </section>
      <section class="card">
        <h2 class="label">{t('pair.compare')}</h2>
        <p class="big words">{checkWords(one)}</p>
        <p class="quiet">{t('pair.compare.why')}</p>
        <p class="quiet">{t('pair.key')} <code>{one.key}</code></p>
      </section>
      <div role="status">
        {stage.at === 'asking' && <p class="outcome"><span class="spinner" aria-hidden="true" />{t('tx.asking')}</p>}
        {stage.at === 'rejected' && <p class="outcome refused">{t('tx.rejected')}</p>}
        {stage.at === 'given' && <p class="outcome final"><Icon name="check" />{t('pair.given')}</p>}
        {stage.at === 'undelivered' && <p class="outcome refused">{t('pair.undelivered', { said: stage.why })}</p>}
      </div>
      {signature === null
        ? (
          <div class="buttons">
            <button type="button" class="main" disabled={stage.at === 'asking' || isElsewhere.value} onClick={() => void sign()}>{t('pair.sign')}</button>
            <p class="quiet">{t('pair.free')}</p>
          </div>
        )
        : <Carry text={asFile(one, signature)} again={stage.at === 'undelivered' ? () => void give(signature) : null} />}
    </>
  )
}

/** Where the service does not reach the car: the text goes there by hand. */
function Carry({ text, again }: { text: string; again: (() => void) | null }) {
  const [isCopied, setCopied] = useState(false)
  return (
    <>
      {again && <div class="buttons"><button type="button" class="main" onClick={again}>{t('tx.retry')}</button></div>}
      <details open={again !== null}>
        <summary>{t('pair.byhand')}</summary>
        <p class="quiet">{t('pair.byhand.how')}</p>
        <input class="address" readOnly value={text} aria-label={t('pair.copy')} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="second" onClick={() => void navigator.clipboard?.writeText(text).then(() => setCopied(true))}>
          {isCopied ? t('connect.copied') : t('pair.copy')}
        </button>
      </details>
    </>
  )
}
