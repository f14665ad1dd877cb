/** Three planes through a series beside each other, in the place of its pictures. */

import { make, plainButton } from './building';
import { lettersOf, opposite } from './orientation';
import { Overlay } from './overlay';
import type { Vector } from './pictures';
import type { Planes, PlaneSurface, Point } from './surface';
import { words } from './words';

const THICKNESSES = [0, 5, 10, 20, 40];

interface View {
  area: HTMLElement;
  element: HTMLDivElement;
  overlay: Overlay;
  letters: HTMLElement;
}

export class PlanesView {
  readonly box = make('div', { class: 'v-planes' });
  readonly areas: HTMLElement[];
  private readonly views: View[];
  private readonly thickness = make('select', { id: 'v-thickness' }, ...THICKNESSES.map((one) => make('option', { value: String(one), text: words.thickness(one) })));
  private planes: Planes | undefined;
  private active = 0;
  private point: Vector | undefined;

  constructor(
    private readonly changed: () => void,
    close: () => void,
  ) {
    this.views = words.planeNames.map((name) => viewNamed(name));
    this.areas = this.views.map((view) => view.area);
    for (const [at, { area }] of this.views.entries()) {
      area.addEventListener('focus', () => this.activate(at));
      area.addEventListener('pointerdown', () => this.activate(at), { capture: true });
    }
    this.thickness.addEventListener('change', () => {
      for (const surface of this.planes?.surfaces ?? []) surface.thicken(Number(this.thickness.value));
    });
    const bar = make('div', { class: 'v-planes-bar' }, make('label', { for: 'v-thickness', text: words.thickest }), this.thickness, plainButton(words.closePlanes, close));
    this.box.append(...this.areas, bar);
  }

  elements(): HTMLDivElement[] {
    return this.views.map((view) => view.element);
  }

  adopt(planes: Planes): void {
    this.planes = planes;
    this.draw();
  }

  surface(): PlaneSurface | undefined {
    return this.planes?.surfaces[this.active];
  }

  focus(): void {
    this.areas[this.active]?.focus();
  }

  /** After this all planes go through what lies at `at`, screen points from the active plane's corner. */
  pointAt(at: Point): void {
    const surface = this.surface();
    if (!surface) return;
    this.point = surface.toPatient(at);
    for (const other of this.planes?.surfaces ?? []) if (other !== surface) other.goTo(this.point);
    this.changed();
  }

  close(): void {
    this.planes?.close();
    this.box.remove();
  }

  draw(): string {
    let told = '';
    for (const [at, { area, overlay, letters }] of this.views.entries()) {
      const surface = this.planes?.surfaces[at];
      if (!surface) continue;
      const label = `${words.planeNames[at]}, ${words.pictureLabel(surface.at() + 1, surface.count())}`;
      area.setAttribute('aria-label', label);
      area.dataset.number = String(surface.at() + 1);
      area.classList.toggle('v-active', at === this.active);
      if (at === this.active) told = label;
      drawLetters(letters, surface);
      overlay.draw([], this.point && surface.toScreen(this.point));
    }
    return told;
  }

  private activate(at: number): void {
    if (this.active === at) return;
    this.active = at;
    this.changed();
  }
}

function viewNamed(name: string): View {
  const element = make('div', { class: 'v-sharp' });
  const letters = make('div', { class: 'v-corners', 'aria-hidden': 'true' });
  const area = make('div', { class: 'v-picture', role: 'img', tabindex: '0', 'aria-label': name }, element, letters, make('div', { class: 'v-plane-name', 'aria-hidden': 'true', text: name }));
  return { area, element, overlay: new Overlay(area), letters };
}

function drawLetters(box: HTMLElement, surface: PlaneSurface): void {
  const { right, down } = surface.directions();
  const [atRight, below] = [lettersOf(right), lettersOf(down)];
  const sides = { right: atRight, left: opposite(atRight), bottom: below, top: opposite(below) };
  box.replaceChildren(...Object.entries(sides).map(([edge, text]) => make('span', { class: `v-side v-${edge}`, text })));
}
