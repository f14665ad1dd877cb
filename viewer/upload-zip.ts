// Files inside a ZIP, read where it lies (APPNOTE 4.3): its directory first, each file only when it is looked at.
import type { Source } from './upload-header';

/** It is no ZIP that can be read here: damaged, locked with a password, or in parts. */
export class NoZip extends Error {}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/** Whether a file begins like a ZIP. */
export const isZip = (octets: Uint8Array): boolean =>
  octets[0] === 0x50 && octets[1] === 0x4b && octets[2] === 3 && octets[3] === 4;

const viewOf = async (file: Blob, from: number, to: number): Promise<DataView> =>
  new DataView(await file.slice(from, to).arrayBuffer());

/** Every file in the ZIP. Throws `NoZip`. */
export async function filesIn(zip: Blob): Promise<Source[]> {
  const { at, size, count } = await directoryOf(zip);
  const view = await viewOf(zip, at, at + size);
  const files: Source[] = [];
  for (let place = 0, seen = 0; seen < count; seen += 1) {
    if (place + 46 > view.byteLength || view.getUint32(place, true) !== ENTRY) throw new NoZip();
    const named = place + 46 + view.getUint16(place + 28, true);
    const extra = view.getUint16(place + 30, true);
    const entry = entryAt(view, place, named, extra);
    if (entry.size) files.push(new Member(zip, entry));
    place = named + extra + view.getUint16(place + 32, true);
  }
  return files;
}

async function directoryOf(zip: Blob): Promise<{ at: number; size: number; count: number }> {
  const from = Math.max(0, zip.size - 65_557);
  const view = await viewOf(zip, from, zip.size);
  for (let place = view.byteLength - 22; place >= 0; place -= 1) {
    if (view.getUint32(place, true) !== END) continue;
    const count = view.getUint16(place + 10, true);
    const size = view.getUint32(place + 12, true);
    const at = view.getUint32(place + 16, true);
    const isLarge = place >= 20 && view.getUint32(place - 20, true) === LOCATOR_64;
    return isLarge ? directory64(zip, Number(view.getBigUint64(place - 12, true))) : { at, size, count };
  }
  throw new NoZip();
}

async function directory64(zip: Blob, from: number): Promise<{ at: number; size: number; count: number }> {
  const view = await viewOf(zip, from, from + 56);
  if (view.byteLength < 56 || view.getUint32(0, true) !== END_64) throw new NoZip();
  const [count, size, at] = [32, 40, 48].map((place) => Number(view.getBigUint64(place, true))) as [number, number, number];
  return { at, size, count };
}

interface Entry { method: number; packed: number; size: number; at: number }

function entryAt(view: DataView, place: number, extra: number, length: number): Entry {
  if (view.getUint16(place + 8, true) & 1) throw new NoZip();
  const entry = {
    method: view.getUint16(place + 10, true), packed: view.getUint32(place + 20, true),
    size: view.getUint32(place + 24, true), at: view.getUint32(place + 42, true),
  };
  for (let here = extra; here + 4 <= extra + length; here += 4 + view.getUint16(here + 2, true)) {
    if (view.getUint16(here, true) !== 1) continue;
    let next = here + 4;
    for (const name of ['size', 'packed', 'at'] as const) {
      if (entry[name] !== 0xffffffff) continue;
      entry[name] = Number(view.getBigUint64(next, true));
      next += 8;
    }
  }
  return entry;
}

class Member implements Source {
  constructor(private readonly zip: Blob, private readonly entry: Entry) {}

  get size(): number {
    return this.entry.size;
  }

  async head(octets: number): Promise<Uint8Array> {
    const reader = (await this.stream()).getReader();
    const pieces: Uint8Array[] = [];
    let have = 0;
    while (have < octets) {
      const part = await reader.read();
      if (part.done) break;
      pieces.push(part.value);
      have += part.value.length;
    }
    await reader.cancel();
    return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()).subarray(0, octets);
  }

  async whole(): Promise<Blob> {
    const octets = await new Response(await this.stream()).blob();
    if (octets.size !== this.entry.size) throw new NoZip();
    return octets;
  }

  private async stream(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const view = await viewOf(this.zip, this.entry.at, this.entry.at + 30);
    if (view.byteLength < 30 || view.getUint32(0, true) !== LOCAL) throw new NoZip();
    const begin = this.entry.at + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    const packed = this.zip.slice(begin, begin + this.entry.packed).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;
    if (this.entry.method === 0) return packed;
    if (this.entry.method !== 8) throw new NoZip();
    return packed.pipeThrough(new DecompressionStream('deflate-raw')) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }
}
