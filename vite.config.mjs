import { defineConfig } from 'vite';
import { pack } from './packed.mjs';

/**
 * The measuring tools write a style attribute, which the page's policy stops; set through the object
 * model the same style is allowed.
 */
const stylesThroughObjects = {
  name: 'styles-through-objects',
  transform(code, id) {
    if (!id.endsWith('/drawingSvg/drawTextBox.js')) return null;
    const written = "textElement.setAttribute('style', combinedStyle)";
    if (!code.includes(written)) this.error('the text box of the tools has changed: look whether it still writes a style attribute');
    return { code: code.replace(written, 'textElement.style.cssText = combinedStyle'), map: null };
  },
};

/** Once all is written, it is packed too. */
const packedBeforehand = { name: 'packed-beforehand', writeBundle: ({ dir }) => pack(dir) };

const SHARED = /\/viewer\/(asking|building|dialogs|dicom|geometry|opening|orientation|overlay|pictures|slots|surface|words|words-en)\.ts$/;

// Builds the viewer into the package, so that running it needs no Node.
export default defineConfig({
  base: '/static/viewer/',
  publicDir: false,
  // Two of the picture library's parts name Node's modules; these are their twins for the browser.
  resolve: { alias: { events: 'events/', url: 'url/' } },
  plugins: [stylesThroughObjects, packedBeforehand],
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
    rollupOptions: {
      input: { viewer: 'viewer/main.ts' },
      // What the first script shares with those that come later is one file, not one for each module.
      output: { codeSplitting: { groups: [{ name: 'surface', test: SHARED }] } },
    },
  },
});
