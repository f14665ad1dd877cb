/** The pictures beside each other: one, two or four places, of which the tools act on one. */

import type { Beforehand } from './beforehand';
import { Cutting } from './cutting';
import { Linking } from './linking';
import type { Page, Series } from './given';
import { firstParts, moreParts, Pane } from './pane';
import { groupLike, priorOf } from './priors';
import { ScoutLines } from './scouts';
import { Slots } from './slots';
import type { Place } from './opening';
import type { Stage } from './stage';
import type { Drawing, NativeSurface, Surface, Window } from './surface';
import { words } from './words';

export type Layout = 1 | 2 | 4;

/** Below this width two pictures beside each other are too small; there they are changed one for the other. */
const WIDE_ENOUGH = '(min-width: 600px)';

/** Pictures on each side that a phone gets beforehand; the rest when somebody goes there. */
const ON_DEMAND = 20;

export interface Around {
  changed(): void;
  offline(isOffline: boolean): void;
  ended(): void;
  /** Another place is the one that the tools act on. */
  turned(): void;
  /** A picture is new on the screen and needs its mouse and fingers. */
  opened(area: HTMLElement): void;
}

export class Panes {
  readonly all: Pane[] = [];
  active: Pane;
  layout: Layout = 1;
  readonly linking = new Linking(this);
  readonly scouts = new ScoutLines(this);
  readonly cutting: Cutting;
  private readonly slots = new Slots();
  private readonly sizes = new ResizeObserver(() => this.resize());
  private drawing: Drawing | undefined;
  private beforehand: Beforehand | undefined;
  private isComing = true;

  constructor(
    private readonly box: HTMLElement,
    private readonly page: Page,
    private readonly device: { isPhone: boolean; memory: number },
    private readonly around: Around,
  ) {
    this.cutting = new Cutting(this, box, device);
    this.active = this.add();
    this.takeDropped();
  }

  get stage(): Stage {
    return this.active.stage;
  }

  surface(): Surface {
    return this.cutting.surface() ?? this.stage.surface();
  }

  /** What can be measured on now; a plane cut here cannot. */
  native(): NativeSurface | undefined {
    return this.cutting.isOn() ? undefined : this.stage.nativeShown();
  }

  at(): number {
    return this.cutting.surface()?.at() ?? this.stage.at;
  }

  count(): number {
    return this.cutting.surface()?.count() ?? this.stage.count();
  }

  cut(say: (sentence: string) => void): Promise<void> {
    return this.cutting.toggle(this.drawing, say);
  }

  welcome(area: HTMLElement): void {
    this.around.opened(area);
    this.sizes.observe(area);
  }

  adopt(drawing: Drawing): void {
    this.drawing = drawing;
    this.isComing = false;
    void this.fetchBeforehand(drawing);
    for (const pane of this.all) pane.adopt(drawing);
    this.aim();
  }

  /** After this the server draws all pictures. */
  adoptNone(): void {
    this.isComing = false;
    for (const pane of this.all) pane.stage.refit();
  }

  hasRoom(): boolean {
    return matchMedia(WIDE_ENOUGH).matches;
  }

  activate(pane: Pane): void {
    if (pane === this.active) return;
    this.active = pane;
    this.aim();
    this.mark();
    this.around.turned();
  }

  /** After this `layout` places stand beside each other; new ones show the groups that come next. */
  async setLayout(layout: Layout): Promise<void> {
    if (this.cutting.view) this.cutting.end();
    const wanted = this.hasRoom() ? layout : 1;
    this.layout = wanted;
    this.box.dataset.layout = String(wanted);
    while (this.all.length > wanted) this.remove(this.all.findLast((pane) => pane !== this.active) as Pane);
    const fresh: Pane[] = [];
    while (this.all.length < wanted) fresh.push(this.add());
    for (const pane of this.all) pane.stage.refit();
    this.mark();
    for (const pane of fresh) {
      if (this.drawing) pane.adopt(this.drawing);
      const next = this.nextUnseen();
      if (next) void pane.stage.open(next);
    }
    this.around.turned();
  }

  /** After this the earlier scan stands beside, or in the picture's place where there is no room; or is gone again. */
  async compare(): Promise<void> {
    const now = this.stage.series;
    if (!now) return;
    if (this.layout > 1) {
      this.linking.end();
      return this.setLayout(1);
    }
    const prior = priorOf(this.page.studies, now.study);
    const group = prior && groupLike(prior, now);
    if (!group) return;
    if (!this.hasRoom()) return this.stage.open(group);
    await this.setLayout(2);
    const beside = this.all.find((pane) => pane !== this.active);
    await beside?.stage.open(group);
    // They may have gone on to something else while it opened.
    if (this.page.toolbar === 'clinician' && beside?.stage.series === group) this.linking.begin();
    this.around.changed();
  }

  /** The year of the scan that `compare` would show. */
  priorYear(): string {
    const now = this.stage.series?.study;
    const prior = now && priorOf(this.page.studies, now);
    return prior?.taken.slice(0, 4) ?? '';
  }

  async open(series: Series, place?: Place): Promise<void> {
    if (this.cutting.isOn()) this.cutting.end();
    this.linking.end();
    await this.stage.open(series, place);
  }

  step(by: number): void {
    if (this.cutting.surface()) return this.show(this.at() + by);
    this.stage.step(by);
    this.linking.follow();
  }

  show(at: number): void {
    const plane = this.cutting.surface();
    if (plane) {
      plane.show(at);
      return this.redraw();
    }
    this.stage.show(at);
    this.linking.follow();
  }

  setWindow(window: Window): void {
    this.surface().setWindow(window);
    if (!this.cutting.isOn()) this.linking.light(window);
  }

  /** After this every place is drawn; the sentence that tells of the active one is given to `tell`. */
  draw(tell: (label: string) => void): void {
    for (const [at, pane] of this.all.entries()) {
      const label = pane.draw(this.all.length > 1 ? words.paneLabel(at + 1, this.all.length) : '');
      if (label && pane === this.active) tell(label);
    }
    this.scouts.draw();
    const told = this.cutting.view?.draw();
    if (told) tell(told);
  }

  redraw(): void {
    this.around.changed();
  }

  resize(): void {
    this.drawing?.resize();
    this.scouts.draw();
  }

  close(): void {
    if (this.cutting.isOn()) this.cutting.end();
    this.beforehand?.end();
    for (const pane of this.all) pane.stage.close();
    this.drawing?.close();
    this.drawing = undefined;
  }

  private add(): Pane {
    const isFirst = !this.all.length;
    const means = { slots: this.slots, memory: () => this.device.memory / Math.max(1, this.all.length), most: this.device.isPhone ? ON_DEMAND : Number.MAX_SAFE_INTEGER, isComing: () => this.isComing };
    const pane: Pane = new Pane(
      this.page,
      means,
      {
        changed: () => this.around.changed(),
        offline: (isOffline) => this.around.offline(isOffline),
        ended: () => this.around.ended(),
      },
      () => this.shut(pane),
      isFirst ? firstParts() : moreParts(this.box),
    );
    this.all.push(pane);
    pane.area.addEventListener('focus', () => this.activate(pane));
    pane.area.addEventListener('pointerdown', () => this.activate(pane), { capture: true });
    this.welcome(pane.area);
    return pane;
  }

  private shut(pane: Pane): void {
    if (pane === this.active) this.active = this.all.find((one) => one !== pane) ?? pane;
    if (this.all.length > 2) {
      this.remove(pane);
      for (const one of this.all) one.stage.refit();
      this.mark();
      this.around.turned();
    } else void this.setLayout(1);
    this.active.area.focus();
  }

  private remove(pane: Pane): void {
    this.all.splice(this.all.indexOf(pane), 1);
    this.linking.end();
    pane.close();
    // Where "Skip to the picture" leads.
    const { id } = pane.area;
    if (id) pane.area.removeAttribute('id');
    if (id && this.all[0]) this.all[0].area.id = id;
  }

  private async fetchBeforehand(drawing: Drawing): Promise<void> {
    const { Beforehand } = await import('./beforehand');
    if (this.drawing !== drawing) return;
    const looking = { now: () => this.stage.series, seen: () => new Set(this.all.map((pane) => pane.stage.series)) };
    this.beforehand = new Beforehand(this.slots, drawing, looking, this.device);
    this.slots.lend(this.beforehand);
  }

  private aim(): void {
    const surface = this.stage.nativeShown();
    if (surface) surface.measuring.on(surface);
  }

  private mark(): void {
    for (const pane of this.all) pane.box.classList.toggle('v-active', pane === this.active && this.all.length > 1);
  }

  private nextUnseen(): Series | undefined {
    const seen = new Set(this.all.map((pane) => pane.stage.series));
    const groups = (this.stage.series?.study.series ?? []).filter((one) => one.count);
    return groups.find((one) => !seen.has(one)) ?? this.stage.series;
  }

  private takeDropped(): void {
    const all = this.page.studies.flatMap((study) => study.series);
    this.box.addEventListener('dragover', (event) => event.dataTransfer?.types.includes('text/uri-list') && event.preventDefault());
    this.box.addEventListener('drop', (event) => {
      const uid = event.dataTransfer?.getData('text/x-series');
      const series = all.find((one) => one.uid === uid);
      const pane = this.all.find((one) => one.box.contains(event.target as Node));
      if (!series || !pane) return;
      event.preventDefault();
      this.activate(pane);
      void this.open(series);
    });
  }
}
