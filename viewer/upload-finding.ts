// Looking through what was chosen: which files are scan pictures, and which scans they make.
import { headerOf, type Header, type Source } from './upload-header';
import { NoZip, filesIn, isZip } from './upload-zip';

/** One picture to be sent. */
export interface Picture { uid: string; source: Source }

/** One scan on the disc. */
export interface Study {
  uid: string; date: string; description: string; name: string; born: string;
  series: Map<string, { modality: string; description: string; body_part: string; laterality: string }>;
  pictures: Map<string, Picture>;
}

/** What was found, whether a ZIP could not be read, and whether photos or PDF files were among it. */
export interface Found { studies: Map<string, Study>; read: number; pictures: number; unread: boolean; papers: boolean }

const PAPERS = new Set([0xffd8ff, 0x89504e, 0x255044]);

/** A file on the disc. */
export class OnDisc implements Source {
  constructor(private readonly file: Blob) {}

  get size(): number {
    return this.file.size;
  }

  async head(octets: number): Promise<Uint8Array> {
    return new Uint8Array(await this.file.slice(0, octets).arrayBuffer());
  }

  async whole(): Promise<Blob> {
    return this.file;
  }
}

/** Look at every file; `told` hears how far it is. Throws what `signal` was ended with. */
export async function find(files: Iterable<Blob>, signal: AbortSignal, told: (found: Found) => void): Promise<Found> {
  const found: Found = { studies: new Map(), read: 0, pictures: 0, unread: false, papers: false };
  for (const file of files) {
    for (const source of await sourcesIn(file, found)) {
      signal.throwIfAborted();
      await look(source, found);
      told(found);
    }
  }
  return found;
}

async function sourcesIn(file: Blob, found: Found): Promise<Source[]> {
  const plain = new OnDisc(file);
  try {
    return isZip(await plain.head(4)) ? await filesIn(file) : [plain];
  } catch (error) {
    if (error instanceof NoZip) found.unread = true;
    return []; // a file that cannot be read any more is passed over
  }
}

async function look(source: Source, found: Found): Promise<void> {
  found.read += 1;
  let header: Header | undefined;
  try {
    header = await headerOf(source);
  } catch {
    return; // a scratch on the disc: the server never hears of it
  }
  if (!header) {
    found.papers ||= await isPaper(source);
    return;
  }
  found.pictures += 1;
  const study = found.studies.get(header.study) ?? begun(header);
  found.studies.set(header.study, study);
  study.pictures.set(header.instance, { uid: header.instance, source });
  if (!study.series.has(header.series)) {
    study.series.set(header.series, {
      modality: header.modality, description: header.seriesDescription, body_part: header.bodyPart, laterality: header.laterality,
    });
  }
}

/** Whether it begins as JPEG, PNG or PDF files do: what people have of old reports, and what is no scan. */
async function isPaper(source: Source): Promise<boolean> {
  const [a = 0, b = 0, c = 0] = await source.head(3).catch(() => []);
  return PAPERS.has((a << 16) | (b << 8) | c);
}

const begun = (header: Header): Study => ({
  uid: header.study, date: header.date, description: header.description, name: header.name, born: header.born,
  series: new Map(), pictures: new Map(),
});

/** The same in the words the server reads. */
export const described = (found: Found): string => JSON.stringify({
  studies: [...found.studies.values()].map((study) => ({
    uid: study.uid, date: study.date, description: study.description, name: study.name, born: study.born,
    pictures: study.pictures.size, series: [...study.series].slice(0, 6).map(([uid, one]) => ({ uid, ...one })),
  })),
});
