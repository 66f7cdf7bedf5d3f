// Wallets that the browser has (EIP-6963, or the one older way), and the account that is used.
import { computed, signal } from '@preact/signals'
import { getAddress } from 'viem'
import { config, type Address } from '../market'
import { ask } from './node'

export interface Provider {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>
  on?(event: string, handle: (value: never) => void): void
}

export interface Wallet {
  /** What it calls itself: a claim, as its name and icon are. */
  id: string
  name: string
  icon: string | null
  provider: Provider
  /** Money that is worth nothing, and keys that everybody knows. */
  isPlay?: boolean
}

export const wallets = signal<readonly Wallet[]>([])
export const wallet = signal<Wallet | null>(null)
export const account = signal<Address | null>(null)
/** The chain that the wallet is on; null while it is not known. */
export const walletChain = signal<number | null>(null)
export const isElsewhere = computed(
  () => account.value !== null && walletChain.value !== null && walletChain.value !== config.value?.chainId)
/** Whether this is a chain for trying things out, by the service and by the node itself. */
export const isPlay = signal(false)

const LOCAL_CHAINS = [31_337, 1_337]
const GRACE = 1_000
const REMEMBERED = 'wallet'

/** Look for wallets, and go on with the one of last time if it lets us without a question. */
export async function findWallets(): Promise<void> {
  addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = (event as CustomEvent).detail
    if (wallets.value.some((known) => known.id === info.uuid)) return
    const icon = String(info.icon ?? '').startsWith('data:image/') ? String(info.icon) : null
    offer({ id: info.uuid, name: String(info.name), icon, provider })
  })
  dispatchEvent(new Event('eip6963:requestProvider'))
  setTimeout(() => {
    const { ethereum } = window as { ethereum?: Provider }
    if (ethereum && wallets.value.every((one) => one.isPlay)) {
      offer({ id: 'browser', name: 'Browser wallet', icon: null, provider: ethereum })
    }
  }, GRACE)
  const look = async () => (isPlay.value = await isChainForPlay())
  addEventListener('online', () => void look())
  await look()
}

function offer(found: Wallet): void {
  wallets.value = [...wallets.value, found]
  if (localStorage.getItem(REMEMBERED) === found.name && wallet.value === null) void use(found, 'eth_accounts')
}

async function isChainForPlay(): Promise<boolean> {
  if (!config.value?.isLocal || !LOCAL_CHAINS.includes(config.value.chainId)) return false
  const version = String(await ask({ method: 'web3_clientVersion' }).catch(() => ''))
  return /^(anvil|hardhat)/i.test(version)
}

/** Use a wallet's account; it asks its owner unless it was allowed before. */
export async function use(chosen: Wallet, method: 'eth_requestAccounts' | 'eth_accounts' = 'eth_requestAccounts') {
  const [first] = (await chosen.provider.request({ method })) as Address[]
  if (!first) return
  wallet.value = chosen
  await take(chosen, first)
  if (!chosen.isPlay) localStorage.setItem(REMEMBERED, chosen.name)
  chosen.provider.on?.('accountsChanged', ((now: Address[]) => wallet.value === chosen && void take(chosen, now[0])) as never)
  chosen.provider.on?.('chainChanged', (() => wallet.value === chosen && void readChain()) as never)
  chosen.provider.on?.('disconnect', (() => wallet.value === chosen && forget()) as never)
}

async function take(chosen: Wallet, address: Address | undefined): Promise<void> {
  if (!address) return forget()
  account.value = getAddress(address)
  await readChain(chosen)
}

/** Use none. */
export function forget(): void {
  wallet.value = null
  account.value = null
  walletChain.value = null
  localStorage.removeItem(REMEMBERED)
}

/** Which chain the wallet is on, asked of it now. */
export async function readChain(chosen = wallet.value): Promise<number | null> {
  if (chosen) walletChain.value = Number(await chosen.provider.request({ method: 'eth_chainId' }))
  return walletChain.value
}

/** Ask the wallet to go to the market's chain, and say whether it has: errors differ, so the chain itself is asked. */
export async function switchChain(): Promise<boolean> {
  const chainId = `0x${config.value?.chainId.toString(16)}`
  await wallet.value?.provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] }).catch(() => null)
  await readChain()
  return !isElsewhere.value
}
