// Packs built files beforehand, so that the server sends a third of them and works for none.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const WORTH_PACKING = /\.(js|css|svg|wasm)$/;
const SMALLEST = 1024;
const QUALITY = 9; // of Brotli: two more take ten times as long for a twentieth

/** After this every file of `folder` that packs well lies beside itself as .br and .gz. */
export function pack(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!WORTH_PACKING.test(name) || statSync(path).size < SMALLEST) continue;
    const octets = readFileSync(path);
    const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: octets.length };
    writeFileSync(`${path}.br`, brotliCompressSync(octets, { params }));
    writeFileSync(`${path}.gz`, gzipSync(octets, { level: 9 }));
  }
}
