// What one DICOM file says of itself, as far as telling scans apart needs it (PS3.10 7, PS3.5 7 and annex A). The server
// reads every file again and is the judge; here a person learns what is on the disc before anything is sent.

export interface Header {
  study: string; series: string; instance: string; modality: string; date: string; description: string;
  name: string; born: string; seriesDescription: string; bodyPart: string; laterality: string;
}

/** A file wherever it lies: on the disc or inside a ZIP. */
export interface Source {
  size: number;
  head(octets: number): Promise<Uint8Array>;
  whole(): Promise<Blob>;
}

const DIRECTORY = '1.2.840.10008.1.3.10';
const IMPLICIT = '1.2.840.10008.1.2';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const UNDEFINED = 0xffffffff;
const LAST = 0x0020000e;
const STEPS = [1 << 16, 1 << 20, 1 << 24];
const CHARSETS: Record<string, string> = {
  'ISO_IR 192': 'utf-8', 'ISO_IR 100': 'iso-8859-1', 'ISO_IR 101': 'iso-8859-2', 'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4', 'ISO_IR 144': 'iso-8859-5', 'ISO_IR 127': 'iso-8859-6', 'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8', 'ISO_IR 148': 'windows-1254', 'ISO_IR 13': 'shift_jis', 'ISO_IR 166': 'windows-874',
  'ISO 2022 IR 87': 'iso-2022-jp', 'ISO 2022 IR 149': 'euc-kr', GB18030: 'gb18030', GBK: 'gbk',
};

/** The octets given end before what is looked for. */
class TooShort extends Error {}

/** Whether these first octets are a DICOM file's. */
export const isDicom = (octets: Uint8Array): boolean =>
  octets.length >= 132 && octets[128] === 0x44 && octets[129] === 0x49 && octets[130] === 0x43 && octets[131] === 0x4d;

/** What the file says, or nothing for a file that is no DICOM object. */
export async function headerOf(source: Source): Promise<Header | undefined> {
  if (!isDicom(await source.head(132))) return undefined;
  for (const step of STEPS) {
    try {
      return read(await unpacked(await source.head(step)));
    } catch (error) {
      if (!(error instanceof TooShort) || step >= source.size) return undefined;
    }
  }
  return undefined;
}

interface Unpacked { meta: Map<number, Uint8Array>; syntax: string; data: Uint8Array }

async function unpacked(octets: Uint8Array): Promise<Unpacked> {
  const meta = new Map<number, Uint8Array>();
  const walk = new Walk(octets, 132, false, true);
  walk.elements(0x0002ffff, meta, metaEnd(octets));
  const syntax = text(meta.get(0x00020010));
  let data = octets.subarray(walk.at);
  if (syntax === DEFLATED) data = await inflated(data);
  return { meta, syntax, data };
}

/** Where the meta information ends, which says so first: what follows may be deflated, and look like anything. */
function metaEnd(octets: Uint8Array): number {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  if (octets.length < 144) throw new TooShort();
  return view.getUint32(132, true) === 0x00000002 ? 144 + view.getUint32(140, true) : Infinity;
}

/** As much as can be inflated of a data set that was cut short. */
async function inflated(octets: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([octets as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const pieces: Uint8Array[] = [];
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) pieces.push(part.value);
  } catch { /* the end is missing; what came is enough, or more is asked for */ }
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

function read({ meta, syntax, data }: Unpacked): Header | undefined {
  if (text(meta.get(0x00020002)) === DIRECTORY) return undefined;
  const said = new Map<number, Uint8Array>();
  const walk = new Walk(data, 0, syntax === IMPLICIT, syntax !== BIG_ENDIAN);
  walk.elements(LAST, said);
  const decoder = decoderOf(text(said.get(0x00080005)));
  const words = (tag: number): string => tidy(decoder.decode(said.get(tag) ?? new Uint8Array()));
  const header = {
    study: text(said.get(0x0020000d)), series: text(said.get(0x0020000e)), instance: text(said.get(0x00080018)),
    modality: text(said.get(0x00080060)), date: text(said.get(0x00080020)), description: words(0x00081030),
    name: words(0x00100010), born: text(said.get(0x00100030)), seriesDescription: words(0x0008103e),
    bodyPart: text(said.get(0x00180015)), laterality: text(said.get(0x00200060)),
  };
  return header.study && header.series && header.instance ? header : undefined;
}

function decoderOf(said: string): TextDecoder {
  const named = said.split('\\').map((one) => one.trim()).filter(Boolean);
  return new TextDecoder(CHARSETS[named.at(-1) ?? ''] ?? CHARSETS[named[0] ?? ''] ?? 'iso-8859-1');
}

const tidy = (words: string): string => words.replace(/[\0\s]+$/, '').trim();
const text = (octets: Uint8Array | undefined): string => tidy(new TextDecoder('latin1').decode(octets ?? new Uint8Array()));

/** Goes from element to element of a data set. */
class Walk {
  private readonly view: DataView;

  constructor(private readonly octets: Uint8Array, public at: number, private readonly implicit: boolean, private readonly little: boolean) {
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  /** Keep the elements up to the tag `last` or the place `end`; the walk then stands before the next one. */
  elements(last: number, kept: Map<number, Uint8Array>, end = Infinity): void {
    while (this.at < Math.min(end, this.octets.length)) {
      const begin = this.at;
      const tag = this.tag();
      if (tag > last) {
        this.at = begin;
        return;
      }
      const { vr, length } = this.head(this.implicit);
      if (length === UNDEFINED) {
        this.items(this.implicit || vr === 'UN');
        continue;
      }
      if (this.at + length > this.octets.length) throw new TooShort();
      if (vr !== 'SQ') kept.set(tag, this.octets.subarray(this.at, this.at + length));
      this.at += length;
    }
    if (this.at < end) throw new TooShort();
  }

  /** Past a sequence, or an item's elements, of undefined length. */
  private items(implicit: boolean): void {
    for (;;) {
      const tag = this.tag();
      if (tag === 0xfffee0dd || tag === 0xfffee00d) {
        this.skip(4);
        return;
      }
      const { vr, length } = tag === 0xfffee000 ? { vr: '', length: this.number(4) } : this.head(implicit);
      if (length === UNDEFINED) this.items(implicit || vr === 'UN');
      else this.skip(length);
    }
  }

  private tag(): number {
    return this.number(2) * 0x10000 + this.number(2);
  }

  private head(implicit: boolean): { vr: string; length: number } {
    if (implicit) return { vr: '', length: this.number(4) };
    this.skip(2);
    const vr = String.fromCharCode(this.octets[this.at - 2]!, this.octets[this.at - 1]!);
    if (!LONG.has(vr)) return { vr, length: this.number(2) };
    this.skip(2);
    return { vr, length: this.number(4) };
  }

  private number(octets: 2 | 4): number {
    this.skip(octets);
    const at = this.at - octets;
    return octets === 2 ? this.view.getUint16(at, this.little) : this.view.getUint32(at, this.little);
  }

  private skip(octets: number): void {
    this.at += octets;
    if (this.at > this.octets.length) throw new TooShort();
  }
}
