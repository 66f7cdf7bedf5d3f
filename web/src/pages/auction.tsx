// One auction in full.
import { account } from '../chain/wallets'
import { who } from '../acts'
import { running } from '../market'
import { Bids, DetailsLine, Exact, Price, useEvents } from '../parts/auction'
import { Icon } from '../parts/icons'
import { Asker, Bidder, Connected } from '../parts/roles'
import { t } from '../words'
import { Happenings } from './happenings'

export function AuctionPage({ id }: { id: string }) {
  const events = useEvents(id)
  const auction = running.value.find((one) => one.id === id)
  const isAsker = auction?.consumer === account.value
  return (
    <>
      <a class="backlink" href={isAsker ? '#/charge' : '#/earn'}><Icon name="back" />{t('back')}</a>
      {auction && (
        <>
          <h1>{isAsker ? t('auction.yours') : t('auction.of', { who: who(auction.consumer) })}</h1>
          <p class="lead">{t('auction.heading', { energy: auction.energy })} · {t('auction.atmost', { rate: auction.maxRate })}</p>
          <DetailsLine auction={auction} />
          {auction.state === 'connected'
            ? <Connected auction={auction} />
            : <><Price auction={auction} />{isAsker ? <Asker auction={auction} /> : <Bidder auction={auction} />}</>}
          <Bids auction={auction} events={events} />
          <Exact auction={auction} />
        </>
      )}
      {!auction && <h1>{events ? t('auction.over.heading') : t('auction.gone')}</h1>}
      {events && <Happenings events={events} />}
    </>
  )
}
