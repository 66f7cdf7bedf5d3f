import { config } from './market'
import { Banner, Header, PlayMark, Tabs, UnderWay } from './parts/frame'
import { AuctionPage } from './pages/auction'
import { ChargePage, Welcome } from './pages/charge'
import { EarnPage } from './pages/earn'
import { WalletPage } from './pages/wallet'
import { Later } from './parts/later'
import { route } from './router'
import { ConfirmSheet } from './sheets/confirm'
import { ConnectSheet, isConnecting } from './sheets/connect'
import { trouble } from './service'
import { isShown, progress } from './transaction'
import { t } from './words'

const marketPage = () => import('./pages/market')
const pairPage = () => import('./pages/pair')

function Page() {
  const { page, id } = route.value
  if (config.value === null) return <><Welcome /><p class="starting">{trouble.value ?? t('loading')}</p></>
  switch (page) {
    case 'earn':
      return <EarnPage />
    case 'auction':
      return <AuctionPage key={id} id={id} />
    case 'wallet':
      return <WalletPage />
    case 'market':
      return <Later load={marketPage} />
    case 'pair':
      return <Later load={pairPage} />
    default:
      return <ChargePage />
  }
}

export function App() {
  return (
    <>
      <PlayMark />
      <Header />
      <Banner />
      <main><Page /></main>
      <UnderWay />
      <Tabs />
      {isConnecting.value && <ConnectSheet />}
      {isShown.value && progress.value && <ConfirmSheet />}
    </>
  )
}
