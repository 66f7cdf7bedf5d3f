// A list of cars as an organization has it, from a table: what each row is, before anything is signed.
import { getAddress, isAddress } from 'viem'
import type { Address } from './market'

export type RowProblem = 'address' | 'checksum' | 'already' | 'twice' | 'long' | 'columns'

export interface CarRow {
  line: number
  address: string
  infos: string
  problem: RowProblem | null
}

export const INFO_BYTES = 512
const HEAD = 'address'

/** The cells of a table in CSV: commas, quotes that are doubled inside of quotes, and lines. */
export function cells(text: string): { line: number; row: string[] }[] {
  const rows: { line: number; row: string[] }[] = []
  let line = 1
  let row: string[] = []
  let begins = 1
  for (const [, quoted, plain, mark] of `${text.replace(/\r\n?/g, '\n')}\n`.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))([,\n])/g)) {
    row.push((quoted?.replaceAll('""', '"') ?? plain ?? '').trim())
    line += (quoted?.split('\n').length ?? 1) - 1
    if (mark === ',') continue
    if (row.some(Boolean)) rows.push({ line: begins, row })
    row = []
    line += 1
    begins = line
  }
  return rows
}

/** What each row would register, or why it would not. `known` are the accounts that are in already. */
export function carRows(text: string, known: ReadonlySet<string>): CarRow[] {
  const seen = new Set<string>()
  const all = cells(text)
  const head = all[0]?.row.map((name) => name.toLowerCase()) ?? []
  const hasHead = head.includes(HEAD)
  const [where, note] = hasHead ? [head.indexOf(HEAD), head.indexOf('infos')] : [0, 1]
  return all.slice(hasHead ? 1 : 0).map(({ line, row }) => {
    const typed = row[where] ?? ''
    const infos = row[note] ?? ''
    const problem = problemOf(typed, infos, row.length > 2, known, seen)
    const address = problem === 'address' || problem === 'checksum' ? typed : getAddress(typed)
    seen.add(address)
    return { line, address, infos, problem }
  })
}

function problemOf(typed: string, infos: string, isWide: boolean, known: ReadonlySet<string>, seen: ReadonlySet<string>): RowProblem | null {
  if (!isAddress(typed, { strict: false })) return 'address'
  if (!isAddress(typed)) return 'checksum'
  const address = getAddress(typed as Address)
  if (isWide) return 'columns'
  if (seen.has(address)) return 'twice'
  if (known.has(address)) return 'already'
  return new TextEncoder().encode(infos).length > INFO_BYTES ? 'long' : null
}
