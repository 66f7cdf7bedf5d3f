// Amounts are whole numbers of the currency's smallest unit, energy is whole watt-hours, a rate is units per Wh.
// Nothing here rounds: what is no whole number is refused with a sentence.

export interface Currency {
  symbol: string
  decimals: number
  /** The token's contract; null for ether. */
  address: `0x${string}` | null
}

/** A number that cannot be taken; `key` is a sentence of `words/`. */
export class Unreadable extends Error {
  constructor(readonly key: 'number.none' | 'number.ambiguous' | 'number.fine' | 'number.zero' | 'number.large',
    readonly args: Record<string, string> = {}) {
    super(key)
  }
}

const PER_KWH = 3

/** The decimals that a rate has when it is written per kWh. */
export const rateDecimals = (currency: Currency): number => currency.decimals - PER_KWH

/**
 * A decimal number as people type it, with a comma or a point, in units of 10^-decimals.
 * Both marks: the last one is the decimal mark. One mark and three digits may be either: refused.
 */
export function parseDecimal(typed: string, decimals: number): bigint {
  const text = typed.trim().replace(/[\s\u00a0\u202f_']/g, '')
  const marks = text.replace(/[0-9]/g, '')
  if (!/^[0-9.,]*[0-9][0-9.,]*$/.test(text)) throw new Unreadable('number.none')
  const mark = marks.at(-1)
  const others = marks.slice(0, -1)
  if (mark && others.includes(mark)) {
    // Said several times, it groups thousands: 1.000.000
    if (new Set(marks).size > 1 || !/^[0-9]{1,3}([.,][0-9]{3})+$/.test(text)) throw new Unreadable('number.none')
    return parseDecimal(text.replace(/[.,]/g, ''), decimals)
  }
  const at = mark ? text.lastIndexOf(mark) : text.length
  const whole = text.slice(0, at)
  const part = text.slice(at + 1)
  if (others && !/^[0-9]{1,3}([.,][0-9]{3})+$/.test(whole)) throw new Unreadable('number.none')
  if (mark && !others && part.length === 3 && /^[1-9][0-9]{0,2}$/.test(whole)) {
    throw new Unreadable('number.ambiguous', { small: `${whole}.${part}0`, large: `${whole}${part}` })
  }
  const digits = part.replace(/0+$/, '')
  if (digits.length > decimals) throw new Unreadable('number.fine', { decimals: String(decimals) })
  return BigInt((whole.replace(/[.,]/g, '') || '0') + digits.padEnd(decimals, '0'))
}

/** The same, above zero and at most `maximum`. */
export function parsePositive(typed: string, decimals: number, maximum: bigint): bigint {
  const value = parseDecimal(typed, decimals)
  if (value === 0n) throw new Unreadable('number.zero')
  if (value > maximum) throw new Unreadable('number.large', { maximum: decimalText(maximum, decimals) })
  return value
}

export const parseEnergy = (typed: string): bigint => parsePositive(typed, PER_KWH, 2n ** 32n - 1n)
export const parseRate = (typed: string, currency: Currency): bigint =>
  parsePositive(typed, rateDecimals(currency), 2n ** 64n - 1n)
export const parseMoney = (typed: string, currency: Currency): bigint =>
  parsePositive(typed, currency.decimals, 2n ** 96n - 1n)

/** All digits of an amount, with a point and no zeros behind. */
export function decimalText(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0')
  const part = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return digits.slice(0, digits.length - decimals) + (decimals > 0 && part ? `.${part}` : '')
}

const MOST_DIGITS = 20

/** The same as people of a language write it. */
export function localDecimal(text: string, language: string): string {
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: MOST_DIGITS })
  return format.format(text as unknown as number) // a text is exact, where a number would be rounded
}

/** The least that a bid must be below `best`, and the highest that the next one may be; null when none is taken. */
export function nextRate(best: bigint | null, maxRate: bigint, minDecrementBps: bigint): bigint | null {
  if (best === null) return maxRate
  const share = (best * minDecrementBps + 9_999n) / 10_000n
  const highest = best - (share > 1n ? share : 1n)
  return highest > 0n ? highest : null
}

/** What `placeBid` takes to be sure of an auction's terms. */
export const termsOf = (energyWh: bigint, maxRate: bigint, validity: bigint): bigint =>
  energyWh | (maxRate << 32n) | (validity << 96n)
