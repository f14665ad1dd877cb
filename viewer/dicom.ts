/** Reading the DICOM JSON model (PS3.18 annex F). */

export interface Element {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}
export type DicomJson = Record<string, Element | undefined>;

export function text(instance: DicomJson, tag: string): string {
  const value = instance[tag]?.Value?.[0];
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') return (value as { Alphabetic?: string }).Alphabetic ?? '';
  return String(value);
}

export function number(instance: DicomJson, tag: string): number | undefined {
  return numbers(instance, tag)[0];
}

export function numbers(instance: DicomJson, tag: string): number[] {
  return (instance[tag]?.Value ?? []).filter((value) => value !== null && value !== '').map(Number);
}

export function texts(instance: DicomJson, tag: string): string[] {
  return (instance[tag]?.Value ?? []).map((value) => String(value ?? ''));
}

export function items(instance: DicomJson, tag: string): DicomJson[] {
  return (instance[tag]?.Value ?? []) as DicomJson[];
}

/**
 * The attribute as it holds for one frame: from the instance, else from the frame's own functional
 * group, else from the shared one (PS3.3 C.7.6.16).
 */
export function forFrame(instance: DicomJson, frame: number, macro: string, tag: string): number[] {
  const own = numbers(instance, tag);
  if (own.length) return own;
  for (const group of [items(instance, '52009230')[frame - 1], items(instance, '52009229')[0]]) {
    const found = group && numbers(items(group, macro)[0] ?? {}, tag);
    if (found?.length) return found;
  }
  return [];
}

const PALETTES = ['00281201', '00281202', '00281203'];

/**
 * Puts colour palettes where the picture library looks for them: it reads `Value` only, and DICOM JSON
 * carries them as octets, inline or by address.
 */
export async function withPalette(instance: DicomJson, octetsAt: (address: string) => Promise<Uint8Array>): Promise<void> {
  for (const tag of PALETTES) {
    const element = instance[tag];
    if (!element || element.Value) continue;
    const octets = element.InlineBinary ? fromBase64(element.InlineBinary) : element.BulkDataURI ? await octetsAt(element.BulkDataURI) : undefined;
    if (octets) element.Value = entries(octets, numbers(instance, `0028110${tag.at(-1) ?? ''}`));
  }
}

/** Palette entries are words; some files pack two 8-bit entries into one (PS3.3 C.7.6.3.1.6). */
function entries(octets: Uint8Array, descriptor: number[]): number[] {
  const count = descriptor[0] || 65536;
  if (octets.length === count) return Array.from(octets);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return Array.from({ length: Math.floor(octets.length / 2) }, (_, at) => view.getUint16(at * 2, true));
}

export function fromBase64(written: string): Uint8Array {
  return Uint8Array.from(atob(written), (letter) => letter.charCodeAt(0));
}
