// The chain itself, by the service's `/rpc`: what is shown before a signature comes from here.
import { createClient, decodeErrorResult, decodeFunctionResult, encodeFunctionData, http, type Hex } from 'viem'
import type { Address } from '../market'
import { marketAbi, tokenAbi, type ErrorName } from './abi'

export interface Call {
  from: Address
  to: Address
  value: bigint
  data: Hex
}

/** A call that the chain would refuse, by the contract's own error. */
export class Refused extends Error {
  constructor(readonly reason: ErrorName | null, readonly args: Record<string, bigint | string>, said: string) {
    super(said)
  }
}

/** Calls that go together: the service takes no more than 50. */
const BATCH = 50

const client = createClient({ transport: http(new URL('rpc', location.href).href, { batch: { batchSize: BATCH }, retryCount: 1 }) })

export type Request = (call: { method: string; params?: unknown[] }) => Promise<unknown>
export const ask: Request = client.request as Request

export const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`
const errors = [...marketAbi, ...tokenAbi]

/** What a view of the market gives. */
export async function read(to: Address, functionName: string, args: unknown[] = []): Promise<unknown> {
  const abi = to === tokenAddress ? tokenAbi : marketAbi
  const data = encodeFunctionData({ abi, functionName, args } as never)
  const result = await ask({ method: 'eth_call', params: [{ to, data }, 'latest'] })
  return decodeFunctionResult({ abi, functionName, data: result } as never)
}

let tokenAddress: Address | null = null
export const useToken = (address: Address | null): void => {
  tokenAddress = address
}

/**
 * What a call would need, on the block that comes next: what a time allows from now on is refused on the latest one.
 * Throws `Refused` where the chain would.
 */
export async function simulate(call: Call): Promise<{ gas: bigint; fee: bigint }> {
  const params = [{ from: call.from, to: call.to, value: hex(call.value), data: call.data }, 'pending']
  try {
    await ask({ method: 'eth_call', params })
    const [gas, price] = await Promise.all([
      ask({ method: 'eth_estimateGas', params }),
      ask({ method: 'eth_gasPrice' }),
    ])
    const limit = (BigInt(gas as Hex) * 12n) / 10n
    return { gas: limit, fee: limit * BigInt(price as Hex) }
  } catch (error) {
    throw refusal(error)
  }
}

/** A node's answer as the contract's refusal, where it is one; else as it came. */
export function refusal(error: unknown): unknown {
  const data = revertData(error)
  if (data === null) return error
  try {
    const { errorName, args, abiItem } = decodeErrorResult({ abi: errors, data })
    const inputs = 'inputs' in abiItem ? abiItem.inputs : []
    const named = Object.fromEntries(inputs.map((input, at) => [input.name, (args as readonly (bigint | string)[] | undefined)?.[at] ?? '']))
    return new Refused(errorName as ErrorName, named, errorName)
  } catch {
    return new Refused(null, {}, data)
  }
}

function revertData(error: unknown): Hex | null {
  for (let cause = error as { data?: unknown; cause?: unknown } | undefined; cause; cause = cause.cause as never) {
    const data = typeof cause.data === 'object' && cause.data ? (cause.data as { data?: unknown }).data : cause.data
    if (typeof data === 'string' && data.startsWith('0x') && data.length >= 10) return data as Hex
  }
  return null
}
