// The page's files for when there is no network: kept by a worker of the browser's, which also sees a new version.
import { signal } from '@preact/signals'
import { isUnderWay } from './transaction'

/** Whether another version is ready, and waits to be let in. */
export const isNewer = signal(false)

const LOOK_EVERY = 3_600_000
interface Policy { createScriptURL(url: string): string }
interface Types { createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy }

let waiting: ServiceWorker | null = null

/** Keep the files, where the browser lets us: not by http from another machine. */
export async function keepFiles(): Promise<void> {
  if (!('serviceWorker' in navigator) || !isSecureContext) return
  const isFirst = navigator.serviceWorker.controller === null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if ((!isFirst || waiting) && !isUnderWay()) location.reload()
  })
  const { trustedTypes } = window as { trustedTypes?: Types }
  // The one name that the policy of the page allows, for this one file.
  const policy = trustedTypes?.createPolicy('v2v-sw', { createScriptURL: () => 'sw.js' })
  const registered = await navigator.serviceWorker.register(policy?.createScriptURL('') ?? 'sw.js')
  const look = () => {
    if (!registered.waiting || !navigator.serviceWorker.controller) return
    waiting = registered.waiting
    isNewer.value = true
  }
  look()
  registered.addEventListener('updatefound', () => registered.installing?.addEventListener('statechange', look))
  setInterval(() => void registered.update().catch(() => null), LOOK_EVERY)
}

/** Let the new version in, and load it; not while a transaction is under way. */
export function renew(): void {
  if (!isUnderWay()) waiting?.postMessage('take over')
}

/** Give up what is kept. */
export async function dropFiles(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister()
  for (const name of await caches.keys()) await caches.delete(name)
}
