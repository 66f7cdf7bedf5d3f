// Has the page's files ready where there is no network. What is asked of the service and of the chain never comes from here.
const VERSION = '__VERSION__'
const FILES = __FILES__
const CACHE = `v2v-${VERSION}`
const here = (name) => new URL(name, self.registration.scope).href

self.addEventListener('install', (event) => {
  const fresh = FILES.map((name) => new Request(here(name), { cache: 'reload' }))
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)))
})

self.addEventListener('activate', (event) => {
  const old = (names) => names.filter((name) => name.startsWith('v2v-') && name !== CACHE)
  event.waitUntil(
    caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()))
})

// The page says when: never in the middle of something.
self.addEventListener('message', (event) => {
  if (event.data === 'take over') void self.skipWaiting()
})

self.addEventListener('fetch', (event) => {
  const { method, url } = event.request
  const file = url.split(/[?#]/)[0]
  if (method !== 'GET' || !FILES.some((name) => here(name) === file)) return
  event.respondWith(caches.open(CACHE).then((cache) => cache.match(file)).then((kept) => kept ?? fetch(event.request)))
})
