// The service: reads what it has, and listens to what happens. One stream a page, none while it is hidden.
import { batch, signal } from '@preact/signals'
import { config, get, head, labels, reorganised, running, takeAuction, takeConfig, takeHead } from './market'

const RETRY = 1_500
/** A head that was seen longer ago may hide that something has stopped. */
export const STALE = 30_000

const tags = new Map<string, string>()
let stream: EventSource | null = null
let reading = false
let again = false

/** Why the service could not be read; null while it can. */
export const trouble = signal<string | null>(null)
/** Counts up whenever something has happened in the market: what has been read may be old. */
export const happened = signal(0)

/** Read everything, and keep it current. */
export async function start(): Promise<void> {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : void read().then(listen)))
  addEventListener('online', () => void read().then(listen))
  addEventListener('offline', close)
  await read()
  while (config.value === null) await new Promise((resolve) => setTimeout(resolve, RETRY))
  listen()
}

/** Read what runs; one read at a time, and once more if something happened meanwhile. */
async function read(): Promise<void> {
  if (reading) {
    again = true
    return
  }
  reading = true
  try {
    do {
      again = false
      await readOnce()
    } while (again)
    trouble.value = null
  } catch (error) {
    if (config.value === null) recall()
    trouble.value = error instanceof Error ? error.message : String(error)
    setTimeout(() => void read(), RETRY)
  } finally {
    reading = false
  }
}

type Json = any

async function readOnce(): Promise<void> {
  const [known, auctions, evs] = await Promise.all([
    config.value === null || isRecalled ? get<Json>('config') : null, get<Json>('auctions', tags), get<Json>('evs', tags),
  ])
  isRecalled = false
  keep({ config: known, auctions, evs })
  batch(() => {
    if (known) takeConfig(known)
    if (auctions) {
      running.value = auctions.auctions.map(takeAuction)
      takeHead(auctions.head)
    }
    if (evs) labels.value = new Map(evs.evs.map((ev: Json) => [ev.address, ev.infos]))
    happened.value += 1
  })
}

// --- What was seen last, for when nothing can be reached: public all of it, and as old as it says

const SEEN = 'seen'
const LONGEST = 500_000
const last: Record<string, Json> = {}
/** What is shown is of another day, and its rules are read again as soon as there is somebody to ask. */
let isRecalled = false

/** Remember what the service has said, if it is not too long for that. */
function keep(said: Record<string, Json>): void {
  for (const [name, body] of Object.entries(said)) if (body) last[name] = body
  const text = JSON.stringify({ ...last, at: Date.now() })
  if (text.length <= LONGEST) localStorage.setItem(SEEN, text)
}

/** Show it again. */
function recall(): void {
  const { config: known, auctions, evs, at } = JSON.parse(localStorage.getItem(SEEN) ?? '{}')
  if (!known || !auctions || !evs) return
  isRecalled = true
  batch(() => {
    takeConfig(known, at)
    running.value = auctions.auctions.map(takeAuction)
    takeHead(auctions.head, at)
    labels.value = new Map(evs.evs.map((ev: Json) => [ev.address, ev.infos]))
  })
}

function close(): void {
  stream?.close()
  stream = null
}

function listen(): void {
  if (document.hidden || (stream && stream.readyState !== EventSource.CLOSED)) return
  close()
  const opened = new EventSource('api/v1/events')
  stream = opened
  const on = (name: string, handle: (data: Json) => void) =>
    opened.addEventListener(name, (message) => handle(JSON.parse((message as MessageEvent<string>).data)))
  on('hello', ({ market, resumed }) => {
    // Another market behind the same address: all that is known is of the old one.
    if (config.value && market !== config.value.market) location.reload()
    if (!resumed) void read()
  })
  on('head', (data) => {
    const before = head.value?.number
    takeHead(data)
    if (before !== head.value?.number) void read()
  })
  on('auction', () => void read())
  on('reorg', ({ from }) => {
    reorganised.value = Number(from)
    tags.clear()
    void read()
  })
  opened.onerror = () => {
    // The browser's own second try takes seconds where the line is cut: ours is at once.
    if (opened.readyState === EventSource.CLOSED && stream === opened) setTimeout(listen, RETRY)
  }
}
