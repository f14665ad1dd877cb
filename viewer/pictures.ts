/** The pictures of one series: what they are, in which order, and how each can be shown. */

import { ask } from './asking';
import { type DicomJson, forFrame, fromBase64, number, numbers, text, texts, withPalette } from './dicom';
import type { Mark, Series } from './given';
import { words } from './words';

export type Vector = [number, number, number];

export interface Picture {
  readonly instance: DicomJson;
  readonly frame: number;
  /** The frame's address: "…/instances/…/frames/3". */
  readonly address: string;
  /** The picture library's name of it. */
  readonly imageId: string;
  /** Directions of rows and columns in the patient, when known. */
  readonly rows: Vector | undefined;
  readonly columns: Vector | undefined;
  /** PatientOrientation of projection pictures: where the row and the column lead, in letters. */
  readonly letters: [string, string] | undefined;
  readonly position: number | undefined;
  /** Where the first point of the picture lies in the patient, in millimetres. */
  readonly origin: Vector | undefined;
  /** Of millimetres between rows and between columns. */
  readonly spacing: [number, number] | undefined;
  /** Pictures of one frame of reference lie in one space. */
  readonly space: string;
  readonly lossy: boolean;
  /** What kind it is, in words, when it is no picture at all. */
  readonly notPicture: string;
  /** May the picture library try it, or do we go to the server's rendering at once? */
  native: boolean;
}

/** The pictures of `series`, in the order of the series. Raises `Refused`. */
export async function picturesOf(series: Series, signal: AbortSignal): Promise<Picture[]> {
  return series.marked ? markedPictures(series.marked, signal) : picturesOfOne(series, signal);
}

/** Where the server has a quick view of the series. */
export function quickOf(series: Series): string {
  const [first] = series.marked ?? [];
  if (!first) return `${series.address}/rendered`;
  return `${first.series.address}/instances/${first.instance}/frames/${first.frames[0] ?? 1}/rendered?viewport=1024,1024`;
}

async function markedPictures(marked: readonly Mark[], signal: AbortSignal): Promise<Picture[]> {
  const pictures = new Map<string, Picture[]>();
  for (const series of new Set(marked.map((mark) => mark.series))) pictures.set(series.uid, await picturesOfOne(series, signal));
  return marked.flatMap(({ series, instance, frames }) =>
    (pictures.get(series.uid) ?? []).filter((one) => text(one.instance, '00080018') === instance && (!frames.length || frames.includes(one.frame))),
  );
}

async function picturesOfOne(series: Series, signal: AbortSignal): Promise<Picture[]> {
  const answer = await ask(`${series.address}/metadata`, 'application/dicom+json', signal);
  const instances = answer.status === 204 ? [] : ((await answer.json()) as DicomJson[]);
  for (const instance of instances) await withPalette(instance, octetsAt);
  return inOrder(instances).flatMap((instance) => framesOf(series, instance));
}

/** Where the middle picture of the middle file stands: the quick view shows it too. */
export function middleOf(pictures: readonly Picture[]): number {
  const files = [...new Set(pictures.map((picture) => picture.instance))];
  const middle = files[files.length >> 1];
  const frames = pictures.filter((picture) => picture.instance === middle).length;
  return pictures.findIndex((picture) => picture.instance === middle) + (frames >> 1);
}

/** By instance number, then along the stack; what has neither stays where the server put it. */
function inOrder(instances: DicomJson[]): DicomJson[] {
  const ranked = instances.map((instance, at) => ({
    instance,
    at,
    number: number(instance, '00200013') ?? Number.MAX_SAFE_INTEGER,
    position: alongStack(instance, 1) ?? 0,
  }));
  ranked.sort((a, b) => a.number - b.number || a.position - b.position || a.at - b.at);
  return ranked.map((one) => one.instance);
}

function framesOf(series: Series, instance: DicomJson): Picture[] {
  const notPicture = kindOf(instance);
  const uid = text(instance, '00080018');
  const count = notPicture ? 1 : Math.max(1, number(instance, '00280008') ?? 1);
  const native = !notPicture && isForLibrary(instance);
  const lossy = text(instance, '00282110') === '01';
  const orientation = texts(instance, '00200020');
  return Array.from({ length: count }, (_, at) => {
    const frame = at + 1;
    const address = `${series.address}/instances/${uid}/frames/${frame}`;
    const directions = forFrame(instance, frame, '00209116', '00200037');
    const origin = forFrame(instance, frame, '00209113', '00200032');
    const spacing = forFrame(instance, frame, '00289110', '00280030');
    return {
      instance,
      frame,
      address,
      imageId: `wadors:${location.origin}${address}`,
      rows: directions.length === 6 ? (directions.slice(0, 3) as Vector) : undefined,
      columns: directions.length === 6 ? (directions.slice(3, 6) as Vector) : undefined,
      letters: orientation.length === 2 ? (orientation as [string, string]) : undefined,
      position: alongStack(instance, frame),
      origin: origin.length === 3 ? (origin as Vector) : undefined,
      spacing: spacing.length === 2 ? (spacing as [number, number]) : undefined,
      space: text(instance, '00200052'),
      lossy,
      notPicture,
      native,
    };
  });
}

/** Where the slice lies along its own normal, in millimetres. */
function alongStack(instance: DicomJson, frame: number): number | undefined {
  const at = forFrame(instance, frame, '00209113', '00200032');
  const [a, b, c, d, e, f] = forFrame(instance, frame, '00209116', '00200037') as [number, number, number, number, number, number];
  const [x, y, z] = at as Vector;
  if (at.length !== 3 || f === undefined) return number(instance, '00201041');
  return x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d);
}

const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10\d/;

const JPEG_LS = /^1\.2\.840\.10008\.1\.2\.4\.8[01]$/;
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

/**
 * Grey of 8 and 16 bits and colour of 8; outlines of one bit and numbers with a point are the server's, and
 * so are colours the library is known to get wrong.
 */
function isForLibrary(instance: DicomJson): boolean {
  const bits = number(instance, '00280100') ?? 0;
  const syntax = text(instance, '00083002');
  if (VIDEO.test(syntax)) return false;
  if ((number(instance, '00280002') ?? 1) === 1) return bits === 8 || bits === 16;
  // JPEG-LS may hold its colours one after the other; the library takes them for interleaved and shows a mosaic.
  // JPEG that says RGB was never turned into YCbCr; the browser, which decodes it, turns it back all the same.
  const isWrong = JPEG_LS.test(syntax) || (syntax === JPEG_BASELINE && text(instance, '00280004') === 'RGB');
  return bits === 8 && !isWrong;
}

/**
 * Could the values of this picture, as stored or scaled as the file says, lie between `least` and `most`?
 * A decoder that took signs wrongly gives values that cannot be.
 */
export function canHold({ instance }: Picture, least: number, most: number): boolean {
  const bits = number(instance, '00280101') ?? 16;
  const isSigned = number(instance, '00280103') === 1;
  const [low, high] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const slope = number(instance, '00281053') ?? 1;
  const intercept = number(instance, '00281052') ?? 0;
  const ends = [low * slope + intercept, high * slope + intercept];
  return least >= Math.min(...ends, low) - 1 && most <= Math.max(...ends, high) + 1;
}

/** What one picture takes in memory: a grey value may become a four-octet number when the file scales it. */
export function octetsOf({ instance }: Picture): number {
  const value = (tag: string) => Number(instance[tag]?.Value?.[0] ?? 1);
  return value('00280010') * value('00280011') * Math.max(4, value('00280002'));
}

/** Empty for a picture; else what it is, in words. */
function kindOf(instance: DicomJson): string {
  const isPicture = numbers(instance, '00280010').length && numbers(instance, '00280011').length;
  return isPicture ? '' : kindInWords(instance);
}

export function kindInWords(instance: DicomJson): string {
  const { kinds } = words;
  if (VIDEO.test(text(instance, '00083002'))) return kinds.video;
  const sopClass = text(instance, '00080016').replace('1.2.840.10008.5.1.4.1.1.', '');
  const modality = text(instance, '00080060');
  if (sopClass.startsWith('9.')) return kinds.ecg;
  if (sopClass === '104.1') return kinds.pdf;
  if (sopClass === '88.59' || modality === 'KO') return kinds.keyPictures;
  if (sopClass.startsWith('88.') || modality === 'SR') return kinds.report;
  if (sopClass.startsWith('11.') || modality === 'PR') return kinds.settings;
  if (sopClass.startsWith('66.') || sopClass.startsWith('91.') || modality === 'SEG' || modality === 'ANN') return kinds.outlines;
  if (sopClass.startsWith('481.') || modality.startsWith('RT')) return kinds.treatment;
  if (sopClass.startsWith('77.1.1.1') || sopClass.startsWith('77.1.2.1')) return kinds.video;
  return modality ? kinds.picture(modality) : kinds.unknown;
}

async function octetsAt(address: string): Promise<Uint8Array> {
  if (address.startsWith('data:')) return fromBase64(address.slice(address.indexOf(',') + 1));
  const answer = await ask(address, 'multipart/related; type="application/octet-stream"');
  const octets = new Uint8Array(await answer.arrayBuffer());
  return answer.headers.get('Content-Type')?.startsWith('multipart/') ? firstPart(octets) : octets;
}

/** The body of the first part of a multipart answer. */
function firstPart(octets: Uint8Array): Uint8Array {
  const letters = new TextDecoder('latin1').decode(octets);
  const boundary = letters.slice(0, letters.indexOf('\r\n'));
  const start = letters.indexOf('\r\n\r\n') + 4;
  const end = letters.indexOf(`\r\n${boundary}`, start);
  return octets.slice(start, end);
}
