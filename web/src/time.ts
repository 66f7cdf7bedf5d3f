// Seconds since 1970 as the chain counts them, and spans of them.
import { computed, signal } from '@preact/signals'

const TICK = 1_000
const ticking = signal(Date.now())
setInterval(() => {
  ticking.value = Date.now()
}, TICK)

/** The latest block's time and when it came: between blocks the chain's clock goes on like ours. */
export const lastBlock = signal({ timestamp: 0, seenAt: 0 })

/** The chain's time now, in whole seconds. */
export const chainNow = computed(() => {
  const { timestamp, seenAt } = lastBlock.value
  return timestamp + Math.max(0, Math.floor((ticking.value - seenAt) / TICK))
})

/** This device's time, in seconds. */
export const deviceNow = computed(() => ticking.value / TICK)

/** "2 d 3 h", "1 h 05 min", "9:58" */
export function duration(seconds: number): string {
  const rest = Math.max(0, Math.floor(seconds))
  const [days, hours, minutes] = [Math.floor(rest / 86_400), Math.floor(rest / 3_600) % 24, Math.floor(rest / 60) % 60]
  if (days) return `${days} d ${hours} h`
  if (hours) return `${hours} h ${String(minutes).padStart(2, '0')} min`
  return `${minutes}:${String(rest % 60).padStart(2, '0')} min`
}

/** "14:02", with the day where it is another one. */
export function momentText(seconds: number, language: string): string {
  const moment = new Date(seconds * TICK)
  const today = moment.toDateString() === new Date().toDateString()
  return moment.toLocaleString(language, {
    hour: '2-digit', minute: '2-digit', ...(today ? {} : { day: 'numeric', month: 'short' }),
  })
}

/** What the service says: ISO 8601. */
export const seconds = (iso: string): number => Math.floor(Date.parse(iso) / TICK)
