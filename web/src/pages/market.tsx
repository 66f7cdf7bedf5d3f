// The market itself: its rules, its cars, its organization; and for that one, what it alone may do.
import { computed, signal } from '@preact/signals'
import { useEffect, useId, useState } from 'preact/hooks'
import { getAddress, isAddress } from 'viem'
import { who } from '../acts'
import { organization, records, type EVRecord, type Organization } from '../chain/contract'
import { account } from '../chain/wallets'
import { config, labelOf, labels, parameter, plain, type Address } from '../market'
import { TextField } from '../parts/fields'
import { act } from '../parts/roles'
import { Icon } from '../parts/icons'
import { carRows } from '../register'
import { happened } from '../service'
import { localNumber, short, t } from '../words'

const PAGE = 25
const PREVIEWED = 100

const percent = (name: string): string => localNumber(parameter(name), 2)

function Rules() {
  return (
    <section class="card">
      <h2 class="label">{t('market.rules')}</h2>
      <ul>
        <li>{t('rules.bond', { percent: percent('bondBps') })}</li>
        <li>{t('rules.penalty', { percent: percent('penaltyBps') })}</li>
        <li>{t('rules.decrement', { percent: percent('minDecrementBps') })}</li>
        <li>{t('rules.extension', { span: parameter('extensionWindow') })}</li>
        <li>{t('rules.award', { span: parameter('awardWindow') })}</li>
        <li>{t('rules.settlement', { span: parameter('settlementWindow') })}</li>
      </ul>
      <p class="quiet">{t('rules.address')} <code>{config.value?.market}</code></p>
      <p class="quiet">{t('wallet.code', { hash: config.value?.codeHash ?? '' })}</p>
      <p class="quiet">{t('wallet.trust')}</p>
    </section>
  )
}

function Cars({ isOwner }: { isOwner: boolean }) {
  const [count, setCount] = useState(PAGE)
  const [known, setKnown] = useState<EVRecord[]>([])
  const all = [...labels.value.keys()] as Address[]
  const shown = all.slice(0, count)
  useEffect(() => {
    let isCurrent = true
    records(shown).then((read) => isCurrent && setKnown(read)).catch(() => null)
    return () => {
      isCurrent = false
    }
  }, [shown.length, happened.value])
  return (
    <section class="card">
      <h2 class="label">{t('rules.evs')}: {all.length}</h2>
      <ul class="happenings">
        {shown.map((address, at) => (
          <li key={address}>
            <span>{labelOf(address) || short(address)}</span>
            <code class="quiet">{address}</code>
            <span class="quiet">{t('wallet.trades', { completed: known[at]?.completed ?? '…', noShows: known[at]?.noShows ?? '…' })}</span>
            {isOwner && (
              <button type="button" class="plain aside" aria-label={t('unregister.title', { who: who(address) })} onClick={() => act('remove', address)}>
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {all.length > count && <button type="button" class="second" onClick={() => setCount(count + PAGE)}>{t('more')}</button>}
    </section>
  )
}

const address = signal('')
const infos = signal('')
const table = signal('')
const heir = signal('')
const rows = computed(() => carRows(table.value, new Set(labels.value.keys())))

const addressProblem = (text: string): string | null =>
  !text.trim() || isAddress(text.trim()) ? null : t(isAddress(text.trim(), { strict: false }) ? 'row.checksum' : 'row.address')

function AddOne() {
  const typed = address.value.trim()
  const problem = labels.value.has(typed) ? t('row.already') : addressProblem(typed)
  return (
    <section class="card">
      <h2 class="label">{t('market.add')}</h2>
      <TextField label={t('market.account')} text={address} hint="0x…" problem={problem} />
      <TextField label={t('market.note')} text={infos} />
      <button type="button" class="second" disabled={!typed || problem !== null}
        onClick={() => act('register', [{ address: getAddress(typed), infos: infos.value.trim() }])}>{t('market.add')}</button>
    </section>
  )
}

function AddMany() {
  const id = useId()
  const good = rows.value.filter((row) => row.problem === null)
  const bad = rows.value.filter((row) => row.problem !== null)
  return (
    <section class="card">
      <h2 class="label">{t('market.table')}</h2>
      <div class="field">
        <label for={id}>{t('market.table.how')}</label>
        <textarea id={id} class="address" rows={5} spellcheck={false} value={table.value} onInput={(event) => (table.value = event.currentTarget.value)} />
        <input type="file" accept=".csv,text/csv" aria-label={t('market.file')}
          onChange={(event) => void event.currentTarget.files?.[0]?.text().then((text) => (table.value = text.replace(/^\ufeff/, '')))} />
      </div>
      {rows.value.length > 0 && <p role="status">{t('market.count', { good: good.length, bad: bad.length })}</p>}
      <ul class="happenings">
        {[...bad, ...good].slice(0, PREVIEWED).map((row) => (
          <li key={row.line}>
            <span class={row.problem ? 'wrong' : ''}>
              {t('market.line', { line: row.line })}: {row.problem ? t(`row.${row.problem}`) : plain(row.infos) || t('row.nonote')}
            </span>
            <code class="quiet">{plain(row.address)}</code>
          </li>
        ))}
      </ul>
      {rows.value.length > PREVIEWED && <p class="quiet">{t('market.unseen', { count: rows.value.length - PREVIEWED })}</p>}
      <button type="button" class="second" disabled={good.length === 0} onClick={() => act('register', good)}>
        {t('register.button', { count: good.length })}
      </button>
    </section>
  )
}

function Office({ house }: { house: Organization }) {
  const to = heir.value.trim()
  return (
    <section class="card">
      <h2 class="label">{t('market.office')}</h2>
      <div class="buttons">
        <button type="button" class="second" onClick={() => act('setOpen', !house.isOpen)}>
          {house.isOpen ? t('closing.title') : t('opening.title')}
        </button>
      </div>
      <TextField label={t('handover.to')} text={heir} hint="0x…" problem={addressProblem(to)} />
      <button type="button" class="second" disabled={!isAddress(to)} onClick={() => act('handOver', getAddress(to))}>{t('handover.title')}</button>
    </section>
  )
}

export default function MarketPage() {
  const [house, setHouse] = useState<Organization | null>(null)
  useEffect(() => {
    let isCurrent = true
    organization().then((read) => isCurrent && setHouse(read)).catch(() => null)
    return () => {
      isCurrent = false
    }
  }, [happened.value])
  const isOwner = house !== null && house.owner === account.value
  return (
    <>
      <a class="backlink" href="#/wallet"><Icon name="back" />{t('back')}</a>
      <h1>{t('market.heading')}</h1>
      {house && (
        <section class="card">
          <p class={house.isOpen ? 'good' : 'wrong'}>{t(house.isOpen ? 'market.open' : 'market.closed')}</p>
          <p class="quiet">{t('market.owner')} {isOwner ? t('you') : ''} <code>{house.owner}</code></p>
          {house.pending && <p class="quiet">{t('market.pending')} <code>{house.pending}</code></p>}
          {house.pending && house.pending === account.value && (
            <button type="button" class="main" onClick={() => act('takeOver')}>{t('takeover.title')}</button>
          )}
        </section>
      )}
      <Rules />
      {isOwner && house && <><AddOne /><AddMany /><Office house={house} /></>}
      <Cars isOwner={isOwner} />
    </>
  )
}
