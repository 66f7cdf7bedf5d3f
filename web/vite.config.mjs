import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
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
