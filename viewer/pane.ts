/** One place on the screen where a series is looked at: its picture, its words, and the lines over it. */

import { make, plainButton } from './building';
import { Corners } from './corners';
import { part, type Page } from './given';
import { Overlay } from './overlay';
import { planeOf } from './orientation';
import { type Happenings, type Means, Stage } from './stage';
import type { Drawing } from './surface';
import { words } from './words';

export class Pane {
  readonly box: HTMLElement;
  readonly area: HTMLElement;
  readonly stage: Stage;
  readonly corners: Corners;
  readonly overlay: Overlay;
  private readonly sharp: HTMLDivElement;
  private readonly sentence: HTMLElement;
  private readonly head = make('p', { class: 'v-pane-head' });

  constructor(
    private readonly page: Page,
    means: Means,
    happenings: Happenings,
    close: () => void,
    from: PaneParts,
  ) {
    const { box, area, quick, sharp, sentence } = from;
    this.box = box;
    this.area = area;
    this.sharp = sharp;
    this.sentence = sentence;
    this.stage = new Stage(quick, sharp, means, happenings);
    this.corners = new Corners(area, page, this.stage);
    this.overlay = new Overlay(area);
    const shut = plainButton('×', close);
    shut.setAttribute('aria-label', words.closePane);
    this.box.append(make('div', { class: 'v-pane-bar' }, this.head, shut));
  }

  adopt(drawing: Drawing): void {
    this.stage.adopt(drawing.surface(this.sharp));
  }

  close(): void {
    this.stage.close();
    this.box.remove();
  }

  /** After this the words around the picture fit it; answers the label when it is a new one. */
  draw(where: string): string | undefined {
    const { stage, area } = this;
    this.corners.draw();
    this.sentence.textContent = stage.sentence;
    this.head.textContent = where && [stage.series?.study.date, stage.count() ? words.counter(stage.at + 1, stage.count()) : '', this.qualityWords(), stage.series?.study.title]
      .filter(Boolean)
      .join(' · ');
    area.dataset.shown = stage.quality;
    area.dataset.number = String(stage.at + 1);
    const label = [this.label(), where].filter(Boolean).join(', ');
    if (area.getAttribute('aria-label') === label) return undefined;
    area.setAttribute('aria-label', label);
    return label;
  }

  qualityWords(): string {
    const { loading, quickView, fullQuality, lossy, simpleView } = words;
    return { loading, quick: quickView, full: fullQuality, lossy, simple: simpleView, none: '' }[this.stage.quality];
  }

  private label(): string {
    const { stage } = this;
    const picture = stage.picture();
    const plane = picture && planeOf(picture);
    const planeWords = this.page.toolbar === 'patient' ? words.planes : words.clinicalPlanes;
    return [words.pictureLabel(stage.at + 1, stage.count() || 1), stage.series?.study.title, stage.series?.description, plane && planeWords[plane], stage.sentence || this.qualityWords()]
      .filter(Boolean)
      .join(', ');
  }
}

export interface PaneParts {
  box: HTMLElement;
  area: HTMLElement;
  quick: HTMLImageElement;
  sharp: HTMLDivElement;
  sentence: HTMLElement;
}

/** The place that came with the page, its quick view already shown. */
export function firstParts(): PaneParts {
  const area = part('picture');
  return { box: area.parentElement as HTMLElement, area, quick: part<HTMLImageElement>('quick'), sharp: part<HTMLDivElement>('sharp'), sentence: part('sentence') };
}

export function moreParts(into: HTMLElement): PaneParts {
  const quick = make('img', { class: 'v-simple', alt: '' });
  const sharp = make('div', { class: 'v-sharp v-unseen' });
  const area = make('div', { class: 'v-picture', role: 'img', tabindex: '0', 'aria-label': words.loading }, quick, sharp);
  const sentence = make('p', { class: 'v-sentence', role: 'status' });
  const box = make('div', { class: 'v-pane' }, area, sentence);
  into.append(box);
  return { box, area, quick, sharp, sentence };
}
