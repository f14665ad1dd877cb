/** Places that scroll together: by where their slices lie in the patient, else by as many pictures. */

import { dot, isOneSpace, likeness, nearestTo, normalOf } from './geometry';
import { text } from './dicom';
import type { Pane } from './pane';
import type { Picture } from './pictures';
import type { Panes } from './panes';
import type { Window } from './surface';

interface Bond {
  at: number;
  position: number | undefined;
}

export class Linking {
  private bonds = new Map<Pane, Bond>();

  constructor(private readonly panes: Panes) {}

  isOn(): boolean {
    return this.bonds.size > 1;
  }

  /** After this the pictures that stand beside each other now stay beside each other. */
  begin(): void {
    this.bonds = new Map(this.panes.all.map((pane) => [pane, { at: pane.stage.at, position: pane.stage.picture()?.position }]));
  }

  end(): void {
    this.bonds.clear();
  }

  toggle(): void {
    if (this.isOn()) this.end();
    else this.begin();
  }

  /** After this the other places show what belongs beside the active one's picture. */
  follow(): void {
    const { active } = this.panes;
    const picture = active.stage.picture();
    const bond = this.bonds.get(active);
    if (!picture || !bond) return;
    for (const [pane, other] of this.bonds) if (pane !== active) pane.stage.show(this.partner(pane, other, picture, bond));
  }

  /** After this the other places of the same kind of machine have this window too. */
  light(window: Window): void {
    if (!this.isOn()) return;
    const kind = (pane: Pane) => text(pane.stage.picture()?.instance ?? {}, '00080060');
    const { active } = this.panes;
    if (!active.stage.nativeShown()) return;
    for (const pane of this.bonds.keys()) if (pane !== active && kind(pane) === kind(active)) pane.stage.nativeShown()?.setWindow(window);
  }

  private partner({ stage }: Pane, other: Bond, picture: Picture, bond: Bond): number {
    const moved = this.panes.stage.at - bond.at;
    const its = stage.picture();
    if (!its) return other.at + moved;
    const way = likeness(picture, its);
    const normal = normalOf(its);
    if (way && normal && picture.origin && isOneSpace(picture, its)) return nearestTo(stage.pictures, dot(picture.origin, normal)) ?? other.at + moved;
    if (!way || bond.position === undefined || other.position === undefined || picture.position === undefined) return other.at + moved;
    return nearestTo(stage.pictures, other.position + way * (picture.position - bond.position)) ?? other.at + moved;
  }
}
