/** Scout lines: where the active picture crosses the others, and one point shown in all of them. */

import { crossing, distanceTo, isOneSpace, nearestTo, normalOf, dot } from './geometry';
import type { Pane } from './pane';
import type { Panes } from './panes';
import type { Vector } from './pictures';
import type { Point } from './surface';

/** How far from a slice, in millimetres, a point still lies in it. */
const IN_SLICE = 6;

export class ScoutLines {
  private on = false;
  private point: Vector | undefined;

  constructor(private readonly panes: Panes) {}

  isOn(): boolean {
    return this.on;
  }

  toggle(): void {
    this.on = !this.on;
    this.point = undefined;
  }

  /** After this every place that lies in the same space shows what lies at `at`, screen points from the active picture's corner. */
  pointAt(at: Point): void {
    const { active } = this.panes;
    const picture = active.stage.picture();
    const surface = active.stage.nativeShown();
    if (!this.on || !picture || !surface) return;
    const place = (this.point = surface.toPatient(at));
    for (const { stage } of this.panes.all) {
      const its = stage.picture();
      const normal = its && normalOf(its);
      if (stage === active.stage || !its || !normal || !isOneSpace(picture, its)) continue;
      const nearest = nearestTo(stage.pictures, dot(place, normal));
      if (nearest !== undefined) stage.show(nearest);
    }
    this.panes.redraw();
  }

  draw(): void {
    for (const pane of this.panes.all) pane.overlay.draw(this.on ? this.linesOn(pane) : [], this.on ? this.markOn(pane) : undefined);
  }

  private linesOn(pane: Pane): [Point, Point][] {
    const surface = pane.stage.nativeShown();
    const on = pane.stage.picture();
    const cut = this.panes.stage.picture();
    if (!surface || !on || !cut || pane === this.panes.active) return [];
    const ends = crossing(cut, on);
    return ends ? [[surface.toScreen(ends[0]), surface.toScreen(ends[1])]] : [];
  }

  private markOn(pane: Pane): Point | undefined {
    const surface = pane.stage.nativeShown();
    const on = pane.stage.picture();
    const of = this.panes.stage.picture();
    if (!this.point || !surface || !on || !of || !isOneSpace(on, of)) return undefined;
    const away = distanceTo(on, this.point);
    return away !== undefined && Math.abs(away) <= IN_SLICE ? surface.toScreen(this.point) : undefined;
  }
}
