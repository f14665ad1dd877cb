/** May a series be cut into planes on this device? If not, why, in words. */

import { likeness } from './geometry';
import { number } from './dicom';
import { octetsOf, type Picture } from './pictures';
import { words } from './words';

export const MOST_SLICES = 800;
const FEWEST_SLICES = 5;
/** How much of the mean distance two neighbours may be off. */
const UNEVEN = 0.1;
const ENOUGH_GIGABYTES = 4;

export interface Device {
  readonly isPhone: boolean;
  readonly memory: number;
  /** The longest side of a volume on the graphics card. */
  readonly longest: number;
}

/** Empty when it can be done. */
export function whyNoPlanes(pictures: readonly Picture[], device: Device): string {
  const [first] = pictures;
  if (device.isPhone) return words.planesNeedDesk;
  if (!first || pictures.length < FEWEST_SLICES || !isEven(pictures)) return words.planesNeedStack;
  if (pictures.length > MOST_SLICES) return words.planesTooMany(MOST_SLICES);
  return hasMemory(pictures, first, device) ? '' : words.planesNeedMemory;
}

/** Do the pictures lie behind each other, grey, alike, and equally far apart? */
function isEven(pictures: readonly Picture[]): boolean {
  const [first] = pictures as [Picture];
  const shape = shapeOf(first);
  if (!pictures.every((one) => one.native && one.position !== undefined && likeness(one, first) === 1 && shapeOf(one) === shape)) return false;
  if (number(first.instance, '00280002') === 3) return false;
  const places = pictures.map((one) => one.position as number).sort((a, b) => a - b);
  const mean = ((places.at(-1) as number) - (places[0] as number)) / (places.length - 1);
  return mean > 0 && places.slice(1).every((place, at) => Math.abs(place - (places[at] as number) - mean) <= mean * UNEVEN);
}

function shapeOf({ instance, spacing }: Picture): string {
  return [number(instance, '00280010'), number(instance, '00280011'), spacing?.join(' ')].join();
}

/** The pictures lie in memory once, and once more on the graphics card. */
function hasMemory(pictures: readonly Picture[], first: Picture, { memory, longest }: Device): boolean {
  const sides = [number(first.instance, '00280010') ?? 0, number(first.instance, '00280011') ?? 0, pictures.length];
  const gigabytes = (navigator as { deviceMemory?: number }).deviceMemory ?? ENOUGH_GIGABYTES;
  return gigabytes >= ENOUGH_GIGABYTES && octetsOf(first) * pictures.length * 2 <= memory && Math.max(...sides) <= longest;
}
