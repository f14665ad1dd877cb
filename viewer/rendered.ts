/** The simple view: the server's JPEG in an image element, moved and lit by style alone. */

import type { Point, Surface, Window } from './surface';

const OWN: Window = { center: 127.5, width: 255 };
const LARGEST = 20;

export class RenderedSurface implements Surface {
  private scale = 1;
  private shift: Point = [0, 0];
  private quarters = 0;
  private mirrored = { horizontal: false, vertical: false };
  private negative = false;
  private lit: Window = { ...OWN };

  constructor(readonly element: HTMLImageElement) {}

  /** Shows the JPEG at `address`, which is a blob or a DICOMweb address. */
  async show(address: string): Promise<boolean> {
    if (this.element.getAttribute('src') === address) return this.element.naturalWidth > 0;
    this.element.src = address;
    return this.element.decode().then(
      () => true,
      () => false,
    );
  }

  zoom(): number {
    return this.scale;
  }

  zoomBy(factor: number, at: Point = [0, 0]): void {
    const to = Math.min(LARGEST, Math.max(0.25, this.scale * factor));
    const by = to / this.scale;
    this.shift = [at[0] - (at[0] - this.shift[0]) * by, at[1] - (at[1] - this.shift[1]) * by];
    this.scale = to;
    this.draw();
  }

  panBy(right: number, down: number): void {
    this.shift = [this.shift[0] + right, this.shift[1] + down];
    this.draw();
  }

  fit(): void {
    this.scale = 1;
    this.shift = [0, 0];
    this.draw();
  }

  oneToOne(): void {
    const { naturalWidth, naturalHeight, clientWidth, clientHeight } = this.element;
    if (!naturalWidth) return;
    const fitted = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
    this.fit();
    this.zoomBy(1 / (fitted * window.devicePixelRatio));
  }

  reset(): void {
    this.quarters = 0;
    this.mirrored = { horizontal: false, vertical: false };
    this.negative = false;
    this.lit = { ...OWN };
    this.fit();
  }

  rotate(): void {
    this.quarters = (this.quarters + 1) % 4;
    this.draw();
  }

  flip(which: 'horizontal' | 'vertical'): void {
    // What the person sees is mirrored: on a picture lying on its side that is its other axis.
    const axis = this.quarters % 2 ? (which === 'horizontal' ? 'vertical' : 'horizontal') : which;
    this.mirrored[axis] = !this.mirrored[axis];
    this.draw();
  }

  invert(): void {
    this.negative = !this.negative;
    this.draw();
  }

  inverted(): boolean {
    return this.negative;
  }

  window(): Window {
    return { ...this.lit };
  }

  setWindow({ center, width }: Window): void {
    this.lit = { center: Math.min(400, Math.max(1, center)), width: Math.max(1, width) };
    this.draw();
  }

  ownWindow(): Window {
    return { ...OWN };
  }

  axes(): { right: Point; down: Point } {
    const { a, b, c, d } = this.matrix();
    const length = Math.hypot(a, b) || 1;
    // The matrix is orthogonal but for its size, so its inverse is its transpose.
    return { right: [a / length, c / length], down: [b / length, d / length] };
  }

  private matrix(): DOMMatrix {
    return new DOMMatrix()
      .translate(this.shift[0], this.shift[1])
      .scale(this.scale)
      .rotate(this.quarters * 90)
      .scale(this.mirrored.horizontal ? -1 : 1, this.mirrored.vertical ? -1 : 1);
  }

  private draw(): void {
    const { style } = this.element;
    style.transform = this.matrix().toString();
    const { center, width } = this.lit;
    // brightness then contrast make the straight line from black at center - width/2 to white at center + width/2.
    style.filter = `brightness(${OWN.center / center}) contrast(${(2 * center) / width}) invert(${this.negative ? 1 : 0})`;
  }
}
