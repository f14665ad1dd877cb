/** What zooms, moves, turns and lights a picture of the picture library, whether a slice that was sent or one cut here. */

import { type Types, utilities } from '@cornerstonejs/core';
import type { Vector } from './pictures';
import type { Point, Surface, Window } from './surface';

const LARGEST = 20;

export abstract class CameraSurface<Port extends Types.IStackViewport | Types.IVolumeViewport> implements Surface {
  protected constructor(
    readonly element: HTMLDivElement,
    protected readonly viewport: Port,
  ) {}

  abstract ownWindow(): Window;
  abstract axes(): { right: Point; down: Point };

  zoom(): number {
    return this.viewport.getZoom();
  }

  zoomBy(factor: number, at: Point = [0, 0]): void {
    const from = this.viewport.getZoom();
    const to = Math.min(LARGEST, Math.max(0.25, from * factor));
    const by = to / from;
    const [x, y] = this.viewport.getPan();
    this.viewport.setZoom(to);
    this.viewport.setPan([at[0] - (at[0] - x) * by, at[1] - (at[1] - y) * by]);
    this.viewport.render();
  }

  panBy(right: number, down: number): void {
    const [x, y] = this.viewport.getPan();
    this.viewport.setPan([x + right, y + down]);
    this.viewport.render();
  }

  fit(): void {
    this.viewport.setZoom(1);
    this.viewport.setPan([0, 0]);
    this.viewport.render();
  }

  /** Does the whole picture fill its place, unmoved? */
  isFitted(): boolean {
    const [x, y] = this.viewport.getPan();
    return Math.abs(this.viewport.getZoom() - 1) < 0.001 && Math.hypot(x, y) < 1;
  }

  /** After this it does so again, in a place that has another shape; turned as it was. */
  fitAnew(): void {
    const { rotation = 0, flipHorizontal = false, flipVertical = false } = this.viewport.getViewPresentation();
    this.viewport.resetCamera();
    this.viewport.setViewPresentation({ rotation, flipHorizontal, flipVertical });
    this.viewport.render();
  }

  abstract oneToOne(): void;

  reset(): void {
    this.viewport.setViewPresentation({ rotation: 0, flipHorizontal: false, flipVertical: false });
    this.viewport.resetCamera();
    this.viewport.resetProperties();
    this.viewport.render();
  }

  rotate(): void {
    this.viewport.setViewPresentation({ rotation: ((this.viewport.getViewPresentation().rotation ?? 0) + 90) % 360 });
    this.viewport.render();
  }

  flip(which: 'horizontal' | 'vertical'): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    this.viewport.setCamera(which === 'horizontal' ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical });
    this.viewport.render();
  }

  invert(): void {
    this.viewport.setProperties({ invert: !this.inverted() });
    this.viewport.render();
  }

  inverted(): boolean {
    return this.properties().invert ?? false;
  }

  window(): Window {
    const { voiRange } = this.properties();
    if (!voiRange) return this.ownWindow();
    const { windowCenter, windowWidth } = utilities.windowLevel.toWindowLevel(voiRange.lower, voiRange.upper);
    return { center: windowCenter, width: windowWidth };
  }

  setWindow({ center, width }: Window): void {
    this.viewport.setProperties({ voiRange: utilities.windowLevel.toLowHighRange(Math.max(1, width), center) });
    this.viewport.render();
  }

  private properties(): { invert?: boolean; voiRange?: Types.VOIRange } {
    return this.viewport.getProperties() ?? {};
  }

  toScreen(place: Vector): Point {
    return this.viewport.worldToCanvas(place);
  }

  toPatient(point: Point): Vector {
    return this.viewport.canvasToWorld(point) as Vector;
  }
}
