// A wallet for trying things out, on a chain on this machine: its keys are Anvil's own, which everybody knows.
// Loaded on such a chain only. It signs without a question, so the page paints a red frame around everything.
import { mnemonicToAccount } from 'viem/accounts'
import type { Hex } from 'viem'
import { config, type Address } from '../market'
import { ask } from './node'
import type { Provider, Wallet } from './wallets'

const EVERYBODY_KNOWS = 'test test test test test test test test test test test junk'

/** The address of an account by its number. */
export const playAddress = (number: number): Address =>
  mnemonicToAccount(EVERYBODY_KNOWS, { addressIndex: number }).address

interface Transaction {
  from: Address
  to: Address
  value: Hex
  data: Hex
  gas: Hex
}

/** The wallet of one of these accounts. */
export function playWallet(number: number, name: string): Wallet {
  const key = mnemonicToAccount(EVERYBODY_KNOWS, { addressIndex: number })
  const answers: Record<string, (params: unknown[]) => Promise<unknown>> = {
    eth_accounts: async () => [key.address],
    eth_requestAccounts: async () => [key.address],
    eth_chainId: async () => `0x${config.value?.chainId.toString(16)}`,
    eth_sendTransaction: ([transaction]) => send(transaction as Transaction),
    eth_signTypedData_v4: ([, data]) => key.signTypedData(JSON.parse(data as string)),
  }

  async function send(transaction: Transaction): Promise<unknown> {
    const [nonce, price] = (await Promise.all([
      ask({ method: 'eth_getTransactionCount', params: [key.address, 'pending'] }),
      ask({ method: 'eth_gasPrice' }),
    ])) as [Hex, Hex]
    const signed = await key.signTransaction({
      type: 'eip1559',
      chainId: config.value?.chainId as number,
      nonce: Number(nonce),
      to: transaction.to,
      value: BigInt(transaction.value),
      data: transaction.data,
      gas: BigInt(transaction.gas),
      maxFeePerGas: BigInt(price) * 2n,
      maxPriorityFeePerGas: 0n,
    })
    return ask({ method: 'eth_sendRawTransaction', params: [signed] })
  }

  const provider: Provider = {
    async request({ method, params = [] }) {
      const answer = answers[method]
      if (!answer) throw Object.assign(new Error(`${method} is not offered`), { code: 4200 })
      return answer(params)
    },
  }
  return { id: `play-${number}`, name, icon: null, provider, isPlay: true }
}
