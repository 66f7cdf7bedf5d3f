// For who can deliver: what others ask for, one's own first.
import { who } from '../acts'
import { account } from '../chain/wallets'
import { running, type Auction } from '../market'
import { Countdown, DetailsLine, Leader } from '../parts/auction'
import { bidIn, Bidder, Connected } from '../parts/roles'
import { kwh, rate, t } from '../words'
import { Latest } from './happenings'

function isMine(auction: Auction): boolean {
  return account.value !== null && (auction.provider === account.value || bidIn.value.has(auction.id))
}

function Card({ auction }: { auction: Auction }) {
  return (
    <article class="card offer">
      <a class="offer-head" href={`#/auction/${auction.id}`}>
        <strong>{kwh(auction.energy)}</strong><span>{who(auction.consumer)}</span><Countdown until={auction.closing} />
      </a>
      <p class="split"><span>{rate(auction.rate ?? auction.maxRate)}</span><Leader auction={auction} /></p>
      <DetailsLine auction={auction} />
      {auction.consumer === account.value ? <p class="quiet">{t('earn.own')}</p> : <Bidder auction={auction} isShort />}
    </article>
  )
}

export function EarnPage() {
  const open = running.value.filter((one) => one.state === 'open')
  const delivering = running.value.filter((one) => one.state === 'connected' && one.provider === account.value)
  const yours = open.filter(isMine)
  const others = open.filter((one) => !isMine(one))
  return (
    <>
      <h1>{t('earn.heading')}</h1>
      {delivering.length === 0 && <Latest as="provider" />}
      {delivering.map((one) => <Connected key={one.id} auction={one} />)}
      {yours.length > 0 && <h2>{t('earn.yours')}</h2>}
      {yours.map((one) => <Card key={one.id} auction={one} />)}
      {yours.length > 0 && others.length > 0 && <h2>{t('earn.others')}</h2>}
      {others.map((one) => <Card key={one.id} auction={one} />)}
      {open.length === 0 && delivering.length === 0 && <p class="empty">{t('earn.empty')}</p>}
    </>
  )
}
