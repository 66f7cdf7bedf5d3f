// Every sentence of the page, by language. English is the list that the others have to match.
import { signal } from '@preact/signals'
import { currency } from '../market'
import { decimalText, localDecimal, rateDecimals } from '../money'
import { duration, momentText } from '../time'
import { en } from './en'
import type { en as laterEn } from './later-en'

export type Words = Record<keyof typeof en, string>
/** What only the pages say that are loaded when they are opened. */
export type LaterWords = Record<keyof typeof laterEn, string>
export type Key = keyof Words | keyof LaterWords
export type Value = string | number | bigint
export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français' } as const
export type Language = keyof typeof LANGUAGES

const loaders: Record<Language, () => Promise<Words>> = {
  en: async () => en,
  de: async () => (await import('./de')).de,
  fr: async () => (await import('./fr')).fr,
}

const laterLoaders: Record<Language, () => Promise<LaterWords>> = {
  en: async () => (await import('./later-en')).en,
  de: async () => (await import('./later-de')).de,
  fr: async () => (await import('./later-fr')).fr,
}

export const language = signal<Language>('en')
const words = signal<Partial<Record<Key, string>>>(en)
let isAll = false

/** Speak another language from now on. */
export async function speak(chosen: Language): Promise<void> {
  const [said, later] = await Promise.all([loaders[chosen](), isAll ? laterLoaders[chosen]() : {}])
  words.value = { ...said, ...later }
  language.value = chosen
  document.documentElement.lang = chosen
}

/** From now on, also what the pages say that are loaded when they are opened. */
export async function speakMore(): Promise<void> {
  if (isAll) return
  isAll = true
  await speak(language.value)
}

/** The language that was chosen, or the first of the browser's that there is. */
export function preferred(): Language {
  const asked = [localStorage.getItem('language') ?? '', ...navigator.languages]
  const known = asked.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES)
  return (known ?? 'en') as Language
}

/** A sentence, its `{name:kind}` filled in: money, rate, kwh, time and span are written in words. */
export function t(key: Key, args: Record<string, Value> = {}): string {
  return (words.value[key] ?? '').replace(/\{(\w+)(?::(\w+))?\}/g, (_, name: string, kind?: string) => {
    const value = args[name]
    return value === undefined ? '…' : shown(value, kind)
  })
}

function shown(value: Value, kind?: string): string {
  switch (kind) {
    case 'money':
      return money(BigInt(value))
    case 'rate':
      return rate(BigInt(value))
    case 'kwh':
      return kwh(BigInt(value))
    case 'time':
      return momentText(Number(value), language.value)
    case 'span':
      return duration(Number(value))
    case 'eth':
      return `${localDecimal(decimalText(BigInt(value), 18), language.value)} ETH`
    case 'address':
      return short(String(value))
    default:
      return String(value)
  }
}

const local = (amount: bigint, decimals: number) => localDecimal(decimalText(amount, decimals), language.value)

/** A whole number of 10^-decimals, as the language writes it. */
export const localNumber = local

/** An amount of the market's currency, every digit of it. */
export const money = (amount: bigint): string => `${local(amount, currency.value.decimals)} ${currency.value.symbol}`
export const rate = (amount: bigint): string =>
  `${local(amount, rateDecimals(currency.value))} ${currency.value.symbol}/kWh`
export const kwh = (energy: bigint): string => `${local(energy, 3)} kWh`
export const short = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`
