/** Which side of the patient is where on the screen. */

import type { Picture, Vector } from './pictures';
import type { Point } from './surface';

export interface Sides {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

export type Plane = 'axial' | 'sagittal' | 'coronal';

const OPPOSITE: Record<string, string> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' };
const WORTH_NAMING = 0.2;
const STRAIGHT = 0.8;

/** The letters at the four edges, or undefined when the file does not say. */
export function sidesOf(picture: Picture, axes: { right: Point; down: Point }): Sides | undefined {
  const letter = (step: Point) => lettersAlong(picture, step);
  const right = letter(axes.right);
  const bottom = letter(axes.down);
  if (!right || !bottom) return undefined;
  return { right, bottom, left: opposite(right), top: opposite(bottom) };
}

export function planeOf({ rows, columns }: Picture): Plane | undefined {
  if (!rows || !columns) return undefined;
  const normal = [rows[1] * columns[2] - rows[2] * columns[1], rows[2] * columns[0] - rows[0] * columns[2], rows[0] * columns[1] - rows[1] * columns[0]];
  const most = normal.findIndex((part) => Math.abs(part) > STRAIGHT);
  return (['sagittal', 'coronal', 'axial'] as const)[most];
}

function lettersAlong({ rows, columns, letters }: Picture, [alongRow, alongColumn]: Point): string {
  if (rows && columns) {
    return lettersOf(rows.map((part, at) => part * alongRow + (columns[at] ?? 0) * alongColumn) as Vector);
  }
  if (!letters) return '';
  const [right, down] = letters.map((written) => written.replace(/[^LRAPHF]/g, '')) as [string, string];
  if (Math.abs(alongRow) > Math.abs(alongColumn)) return alongRow > 0 ? right : opposite(right);
  return alongColumn > 0 ? down : opposite(down);
}

/** DICOM's patient coordinates grow toward left, back and head (PS3.3 C.7.6.2.1.1). */
export function lettersOf(direction: Vector): string {
  const letters: [string, string][] = [['L', 'R'], ['P', 'A'], ['H', 'F']];
  return direction
    .map((part, at) => ({ size: Math.abs(part), letter: letters[at]?.[part > 0 ? 0 : 1] ?? '' }))
    .filter(({ size }) => size > WORTH_NAMING)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .slice(0, 2)
    .join('');
}

export function opposite(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? '').join('');
}
