// Which wallet, which account.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { account, forget, isPlay, use, wallet, wallets, type Wallet } from '../chain/wallets'
import { labelOf, labels } from '../market'
import { Sheet } from '../parts/sheet'
import { short, t } from '../words'

export const isConnecting = signal(false)

const PLAYERS = 10
const failure = signal<string | null>(null)
const isCopied = signal(false)
const players = signal<{ number: number; address: string }[]>([])

const close = () => {
  isConnecting.value = false
  failure.value = null
}

async function connect(chosen: Wallet): Promise<void> {
  failure.value = null
  try {
    await use(chosen)
    close()
  } catch (error) {
    failure.value = error instanceof Error ? error.message.split('\n')[0] ?? '' : String((error as { message?: string })?.message)
  }
}

async function play(number: number): Promise<void> {
  const { playWallet } = await import('../chain/play')
  await connect(playWallet(number, t('connect.play')))
}

async function findPlayers(): Promise<void> {
  const { playAddress } = await import('../chain/play')
  const all = Array.from({ length: PLAYERS }, (_, number) => ({ number, address: playAddress(number) as string }))
  players.value = all.filter(({ address }) => labels.value.has(address))
}

export function ConnectSheet() {
  const isFound = isPlay.value
  useEffect(() => {
    if (isFound) void findPlayers()
  }, [isFound])
  return (
    <Sheet title={t('connect.title')} onClose={close}>
      <p class="quiet">{t('connect.why')}</p>
      {account.value && (
        <div class="rows">
          <p><code>{account.value}</code></p>
          <button type="button" class="second" onClick={() => { forget(); close() }}>{t('wallet.disconnect')}</button>
        </div>
      )}
      {failure.value && <p class="wrong" role="alert">{t('connect.failed', { said: failure.value })}</p>}
      {wallets.value.map((one) => (
        <button key={one.id} type="button" class="choice" onClick={() => void connect(one)}>
          {one.icon ? <img src={one.icon} alt="" width="32" height="32" /> : <span class="blank" />}
          <span>{one.name}</span>
          {wallet.value === one && <span class="quiet">{short(account.value ?? '')}</span>}
        </button>
      ))}
      {wallets.value.length === 0 && !isFound && (
        <div>
          <p>{t('connect.none')}</p>
          <input class="address" readOnly value={location.href} aria-label={t('connect.copy')} onFocus={(event) => event.currentTarget.select()} />
          <button type="button" class="second" onClick={() => void navigator.clipboard?.writeText(location.href).then(() => (isCopied.value = true))}>
            {isCopied.value ? t('connect.copied') : t('connect.copy')}
          </button>
        </div>
      )}
      {players.value.length > 0 && (
        <section>
          <h3>{t('connect.play')}</h3>
          <p class="quiet">{t('connect.play.note')}</p>
          {players.value.map(({ number, address }) => (
            <button key={number} type="button" class="choice" onClick={() => void play(number)}>
              <span class="blank">{number}</span>
              <span>{labelOf(address) || short(address)}</span>
              <span class="quiet">{short(address)}</span>
            </button>
          ))}
        </section>
      )}
    </Sheet>
  )
}
