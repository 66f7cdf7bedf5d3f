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
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8700', '/rpc': 'http://127.0.0.1:8700' } },
})
