// Makes everything under phr/static/site from viewer/ and the packages: styles, fonts, pictures, scripts.
// Run as `node styles.mjs phr/static/site`; the folder is emptied first.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import rtlcss from 'rtlcss';
import { compile } from 'sass';
import { build } from 'vite';
import { pack } from './packed.mjs';

const out = process.argv[2];
if (!out) throw new Error('say where to: node styles.mjs phr/static/site');
const modules = 'node_modules';
const nhsuk = join(modules, 'nhsuk-frontend/dist/nhsuk');

rmSync(out, { recursive: true, force: true });
for (const folder of ['fonts', 'images', 'licenses']) mkdirSync(join(out, folder), { recursive: true });

const { css } = compile('viewer/site.scss', {
  loadPaths: [join(modules, 'nhsuk-frontend/dist')],
  style: 'compressed',
  quietDeps: true,
});
writeFileSync(join(out, 'site.css'), css);
// The same mirrored, for scripts that are written from the right.
writeFileSync(join(out, 'site.rtl.css'), rtlcss.process(css));

// A source map names a file that is not shipped; browsers would ask for it and fail.
const script = (from, to) =>
  writeFileSync(join(out, to), readFileSync(from, 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'));
// What every page does, and what some do: the reader of health links, the finder of old scans, and so on.
for (const name of ['page.js', 'link.ts', 'upload.ts', 'passkey.ts', 'save.ts']) {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      outDir: out,
      emptyOutDir: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: `viewer/${name}`, output: { entryFileNames: '[name].js', codeSplitting: false } },
    },
  });
}
script(join(modules, 'htmx.org/dist/htmx.min.js'), 'htmx.min.js');

const copy = (from, to) => cpSync(from, join(out, to));
const next = 'atkinson-hyperlegible-next';
const mono = 'atkinson-hyperlegible-mono';
for (const part of ['latin', 'latin-ext']) {
  // Pages take the variable font; WeasyPrint takes one file a weight.
  copy(join(modules, `@fontsource-variable/${next}/files/${next}-${part}-wght-normal.woff2`), `fonts/${next}-${part}.woff2`);
  for (const weight of [400, 700]) {
    copy(join(modules, `@fontsource/${next}/files/${next}-${part}-${weight}-normal.woff2`), `fonts/${next}-${part}-${weight}.woff2`);
  }
}
for (const weight of [400, 700]) {
  copy(join(modules, `@fontsource/${mono}/files/${mono}-latin-${weight}-normal.woff2`), `fonts/${mono}-latin-${weight}.woff2`);
}

for (const name of ['arrow-left', 'arrow-right', 'arrow-up', 'arrow-down', 'arrow-up-down', 'cross', 'search', 'tick', 'plus', 'minus', 'user']) {
  copy(join(nhsuk, `assets/images/nhsuk-icon-${name}.svg`), `images/nhsuk-icon-${name}.svg`);
}
cpSync('viewer/images', join(out, 'images'), { recursive: true });

copy(join(modules, `@fontsource/${next}/LICENSE`), 'licenses/atkinson-hyperlegible-next.txt');
copy(join(modules, `@fontsource/${mono}/LICENSE`), 'licenses/atkinson-hyperlegible-mono.txt');
cpSync('viewer/licenses', join(out, 'licenses'), { recursive: true });
copy(join(modules, 'htmx.org/LICENSE'), 'licenses/htmx.txt');
pack(out);
