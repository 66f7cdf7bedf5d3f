// Light, dark, or as the device has it.
import { signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'theme'
const isTheme = (text: string | null): text is Theme => THEMES.includes(text as Theme)
const kept = localStorage.getItem(KEY)

export const theme = signal<Theme>(isTheme(kept) ? kept : 'system')

/** Paint the page so. */
export function useTheme(chosen: Theme = theme.value): void {
  theme.value = chosen
  document.documentElement.dataset['theme'] = chosen
  localStorage.setItem(KEY, chosen)
}
