import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

const here = (name) => new URL(name, import.meta.url)

/** Writes `sw.js`: `worker.js` with the names of all files, and a version that changes with any of them. */
const worker = () => ({
  name: 'worker',
  enforce: 'post',
  generateBundle(_, bundle) {
    const fixed = readdirSync(here('public')).map((name) => [name, readFileSync(here(`public/${name}`))])
    const built = Object.entries(bundle).map(([name, one]) => [name, 'code' in one ? one.code : one.source])
    const all = [...built, ...fixed].sort(([one], [other]) => (one < other ? -1 : 1))
    const hash = createHash('sha256')
    for (const [name, text] of all) hash.update(name).update(text)
    const files = ['./', ...all.map(([name]) => name).filter((name) => name !== 'index.html')]
    const source = readFileSync(here('worker.js'), 'utf8')
      .replace('__VERSION__', hash.digest('hex').slice(0, 12))
      .replace('__FILES__', JSON.stringify(files))
    this.emitFile({ type: 'asset', fileName: 'sw.js', source })
  },
})

export default defineConfig({
  base: './',
  plugins: [worker()],
  build: {
    outDir: '../ape_v2v/service/page',
    emptyOutDir: true,
    target: 'es2022',
    // It would run a script of its own, and every browser here can do without.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What every page needs comes in two files: ours, which changes, and the libraries, which seldom do.
        codeSplitting: {
          groups: [
            { name: 'library', tags: ['$initial'], test: /node_modules/, priority: 2 },
            { name: 'page', tags: ['$initial'], priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8700', '/rpc': 'http://127.0.0.1:8700' } },
})
