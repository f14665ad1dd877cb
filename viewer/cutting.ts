/** Changing between a series' pictures and three planes cut through it. */

import type { Panes } from './panes';
import type { PlanesView } from './planesview';
import type { Drawing, PlaneSurface } from './surface';
import { type Device, whyNoPlanes } from './volume';
import { words } from './words';

const LOOK_AGAIN_MILLISECONDS = 250;

export class Cutting {
  view: PlanesView | undefined;
  private waiting = 0;

  constructor(
    private readonly panes: Panes,
    private readonly place: HTMLElement,
    private readonly device: Omit<Device, 'longest'>,
  ) {}

  isOn(): boolean {
    return this.view !== undefined || this.waiting !== 0;
  }

  surface(): PlaneSurface | undefined {
    return this.view?.surface();
  }

  /** After this three planes are on the screen or will be once all pictures are there; `say` tells which, or why not. */
  async toggle(drawing: Drawing | undefined, say: (sentence: string) => void): Promise<void> {
    if (this.isOn()) {
      say('');
      return this.end();
    }
    const { stage } = this.panes;
    const why = drawing && stage.nativeShown() ? whyNoPlanes(stage.pictures, { ...this.device, longest: drawing.longestVolume() }) : words.planesNeedStack;
    if (why || !drawing) return say(why);
    await this.panes.setLayout(1);
    this.gather(drawing, say);
  }

  end(): void {
    window.clearTimeout(this.waiting);
    this.waiting = 0;
    const { view } = this;
    this.view = undefined;
    view?.close();
    for (const pane of this.panes.all) pane.box.hidden = false;
    this.panes.resize();
    this.panes.redraw();
    if (view) this.panes.active.area.focus();
  }

  private gather(drawing: Drawing, say: (sentence: string) => void): void {
    const { stage } = this.panes;
    const ready = stage.readyCount();
    if (ready === stage.pictures.length) {
      this.waiting = 0;
      void this.open(drawing, say);
      return;
    }
    say(words.planesGathering(ready, stage.pictures.length));
    this.waiting = window.setTimeout(() => this.gather(drawing, say), LOOK_AGAIN_MILLISECONDS);
  }

  private async open(drawing: Drawing, say: (sentence: string) => void): Promise<void> {
    const { stage } = this.panes;
    const { PlanesView } = await import('./planesview');
    const view = new PlanesView(() => this.panes.redraw(), () => this.end());
    const window = stage.surface().window();
    for (const pane of this.panes.all) pane.box.hidden = true;
    this.place.append(view.box);
    for (const area of view.areas) this.panes.welcome(area);
    this.view = view;
    try {
      view.adopt(await drawing.planes(view.elements(), stage.pictures, window));
      say('');
      view.focus();
      this.panes.redraw();
    } catch (problem) {
      console.warn('no planes', problem);
      this.end();
      say(words.planesFailed);
    }
  }
}
