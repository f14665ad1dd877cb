/** Planes and lines in the patient, in millimetres: which slices are alike, and where one cuts another. */

import { number } from './dicom';
import type { Picture, Vector } from './pictures';

const PARALLEL = 0.99;

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const along = (from: Vector, way: Vector, far: number): Vector => [from[0] + way[0] * far, from[1] + way[1] * far, from[2] + way[2] * far];

/** The direction in which the slices of a series follow each other, when the file says how they lie. */
export function normalOf({ rows, columns }: Picture): Vector | undefined {
  return rows && columns && cross(rows, columns);
}

/** 1 for slices that lie alike, -1 for those that lie alike but are numbered the other way, 0 for others. */
export function likeness(a: Picture, b: Picture): -1 | 0 | 1 {
  const [one, other] = [normalOf(a), normalOf(b)];
  if (!one || !other) return 0;
  const way = dot(one, other);
  return Math.abs(way) < PARALLEL ? 0 : way > 0 ? 1 : -1;
}

export function isOneSpace(a: Picture, b: Picture): boolean {
  return a.space !== '' && a.space === b.space;
}

/** The picture whose slice lies nearest to `position` along their common normal; undefined when none has a position. */
export function nearestTo(pictures: readonly Picture[], position: number): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [at, picture] of pictures.entries()) {
    const away = picture.position === undefined ? Number.POSITIVE_INFINITY : Math.abs(picture.position - position);
    if (away < least) [best, least] = [at, away];
  }
  return best;
}

/** How far `place` lies from the picture's slice. */
export function distanceTo(picture: Picture, place: Vector): number | undefined {
  const normal = normalOf(picture);
  return normal && picture.origin && dot(normal, minus(place, picture.origin));
}

/** Where the picture `cut` crosses the slice of `on`, as two places in the patient; undefined when it does not. */
export function crossing(cut: Picture, on: Picture): [Vector, Vector] | undefined {
  const corners = cornersOf(cut);
  if (!corners || !isOneSpace(cut, on) || likeness(cut, on) !== 0) return undefined;
  const found: Vector[] = [];
  for (const [at, corner] of corners.entries()) {
    const next = corners[(at + 1) % corners.length] as Vector;
    const [from, to] = [distanceTo(on, corner), distanceTo(on, next)];
    if (from === undefined || to === undefined) return undefined;
    if (from === to || from * to > 0) continue;
    found.push(along(corner, minus(next, corner), from / (from - to)));
  }
  const [first, ...others] = found;
  const last = others.at(-1);
  return first && last ? [first, last] : undefined;
}

function cornersOf(picture: Picture): Vector[] | undefined {
  const { origin, rows, columns, spacing, instance } = picture;
  const [high, wide] = [number(instance, '00280010'), number(instance, '00280011')];
  if (!origin || !rows || !columns || !spacing || !high || !wide) return undefined;
  const right = along(origin, rows, spacing[1] * wide);
  const [down, far] = [columns, spacing[0] * high];
  return [origin, right, along(right, down, far), along(origin, down, far)];
}
