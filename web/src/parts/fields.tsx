// A field that reads a number while it is typed: what it takes it for, or why it takes it for nothing.
import { useId } from 'preact/hooks'
import type { ReadonlySignal, Signal } from '@preact/signals'
import { Unreadable } from '../money'
import { t } from '../words'

export interface Reading {
  value: bigint | null
  problem: string | null
}

/** Read a text; an empty one is neither a value nor a problem. */
export function reading(text: string, parse: (text: string) => bigint): Reading {
  if (!text.trim()) return { value: null, problem: null }
  try {
    return { value: parse(text), problem: null }
  } catch (error) {
    if (error instanceof Unreadable) return { value: null, problem: t(error.key, error.args) }
    throw error
  }
}

interface NumberFieldProps {
  label: string
  unit: string
  text: Signal<string>
  read: ReadonlySignal<Reading>
  shown: (value: bigint) => string
}

export function NumberField({ label, unit, text, read, shown }: NumberFieldProps) {
  const id = useId()
  const { value, problem } = read.value
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <input id={id} type="text" inputMode="decimal" autocomplete="off" value={text.value} aria-describedby={`${id}-echo`}
          aria-invalid={problem !== null} onInput={(event) => (text.value = event.currentTarget.value)} />
        <span class="unit">{unit}</span>
      </div>
      <p id={`${id}-echo`} class={problem ? 'echo wrong' : 'echo'}>
        {problem ?? (value === null ? '\u00a0' : t('charge.read', { value: shown(value) }))}
      </p>
    </div>
  )
}

export function TextField({ label, text, hint, problem }: {
  label: string; text: Signal<string>; hint?: string; problem?: string | null
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <input id={id} type="text" autocomplete="off" placeholder={hint} value={text.value} aria-describedby={`${id}-echo`}
          aria-invalid={Boolean(problem)} onInput={(event) => (text.value = event.currentTarget.value)} />
      </div>
      <p id={`${id}-echo`} class="echo wrong">{problem ?? ''}</p>
    </div>
  )
}

export function Choice<Value extends string>({ label, value, options, onChange }: {
  label: string; value: Value; options: readonly (readonly [Value, string])[]; onChange: (value: Value) => void
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
          {options.map(([key, said]) => <option key={key} value={key}>{said}</option>)}
        </select>
      </div>
    </div>
  )
}
