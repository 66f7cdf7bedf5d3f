// Where in the page one is, by the part behind the `#`: it works from any folder and without a server's help.
import { signal } from '@preact/signals'

export interface Route {
  page: string
  id: string
  query: URLSearchParams
}

export const TABS = ['charge', 'earn', 'wallet'] as const

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [page = '', id = ''] = path.split('/')
  return { page: page || 'charge', id: decodeURIComponent(id), query: new URLSearchParams(query) }
}

export const route = signal<Route>(read())

addEventListener('hashchange', () => {
  route.value = read()
  scrollTo(0, 0)
})

export const go = (path: string): void => {
  location.hash = `#/${path}`
}
