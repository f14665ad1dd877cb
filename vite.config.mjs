import { defineConfig } from 'vite';

// Builds the viewer into the package, so that running it needs no Node.
export default defineConfig({
  base: '/static/viewer/',
  publicDir: false,
  // Two of the picture library's parts name Node's modules; these are their twins for the browser.
  resolve: { alias: { events: 'events/', url: 'url/' } },
  worker: { format: 'es' },
  build: {
    outDir: 'phr/static/viewer',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    // A preload link would need the nonce of the page; the import itself is trusted already.
    modulePreload: false,
    // Nothing may become a data: address, which the page's policy stops for styles and fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4500,
    rollupOptions: { input: { viewer: 'viewer/main.ts' } },
  },
});
