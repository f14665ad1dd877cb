/** Lines over a picture: where other pictures cross it, and the point that all of them show. */

import type { Point } from './surface';

const SVG = 'http://www.w3.org/2000/svg';
const ARM = 12;
const GAP = 4;

export class Overlay {
  private readonly sheet = document.createElementNS(SVG, 'svg');

  constructor(over: HTMLElement) {
    this.sheet.setAttribute('class', 'v-lines');
    this.sheet.setAttribute('aria-hidden', 'true');
    over.append(this.sheet);
  }

  /** After this these lines are seen, and a cross at `mark`. */
  draw(lines: readonly [Point, Point][], mark?: Point): void {
    const all = [...lines, ...(mark ? crossAt(mark) : [])];
    this.sheet.replaceChildren(...all.map(([[x1, y1], [x2, y2]]) => line({ x1, y1, x2, y2 })));
    this.sheet.toggleAttribute('data-lines', all.length > 0);
  }
}

function crossAt([x, y]: Point): [Point, Point][] {
  return [
    [[x - ARM, y], [x - GAP, y]],
    [[x + GAP, y], [x + ARM, y]],
    [[x, y - ARM], [x, y - GAP]],
    [[x, y + GAP], [x, y + ARM]],
  ];
}

function line(ends: Record<string, number>): SVGElement {
  const made = document.createElementNS(SVG, 'line');
  for (const [name, value] of Object.entries(ends)) made.setAttribute(name, value.toFixed(1));
  return made;
}
