// Drawn here, so that no font and no other file is needed.
const PATHS = {
  charge: 'M13 2 4.5 13.5H11L9.5 22 19 9.5h-6.5L13 2Z',
  earn: 'M12 3v18M16.5 7.2C15.6 5.9 14 5.2 12 5.2c-2.6 0-4.4 1.3-4.4 3.3 0 4.6 9.2 2.3 9.2 7 0 2-2 3.3-4.7 3.3-2.2 0-4-.8-4.9-2.3',
  wallet: 'M4 7.5A2.5 2.5 0 0 1 6.5 5H17v3M4 7.5V17a2 2 0 0 0 2 2h14V8H6.5A2.5 2.5 0 0 1 4 7.5ZM16 13.5h.01',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5 8 12l6.5 7',
  check: 'M5 12.5 10 17.5 19.5 7',
  clock: 'M12 7v5l3.5 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  lead: 'M8 21h8M12 17v4M7 4h10v5a5 5 0 0 1-10 0V4ZM7 6H4v1a3 3 0 0 0 3 3M17 6h3v1a3 3 0 0 1-3 3',
  warn: 'M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.3v.01',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill={filled ? 'currentColor' : 'none'} stroke="currentColor"
      stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
      <path d={PATHS[name]} />
    </svg>
  )
}
