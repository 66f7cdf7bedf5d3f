import { render } from 'preact'
import { findWallets } from './chain/wallets'
import { App } from './app'
import { useTheme } from './theme'
import { start } from './service'
import { keepFiles } from './offline'
import { keepStanding } from './standing'
import { resume } from './transaction'
import { preferred, speak } from './words'
import './style.css'

const place = document.getElementById('app') as HTMLElement
useTheme()
// In several tasks, so that a slow phone reacts to a finger in between.
const breath = () => new Promise((resolve) => setTimeout(resolve))
await breath()
void speak(preferred())
place.replaceChildren()
render(<App />, place)
await breath()
await start()
keepStanding()
await findWallets()
await Promise.all([resume(), keepFiles().catch(() => null)])
