/** What stands over the picture: sides of the patient, and for clinicians the four corners. */

import { make } from './building';
import { forFrame, text } from './dicom';
import { planeOf, sidesOf } from './orientation';
import type { Page } from './given';
import type { Stage } from './stage';
import { words } from './words';

export class Corners {
  private readonly box: HTMLElement;
  private hiddenText = false;

  constructor(
    over: HTMLElement,
    private readonly page: Page,
    private readonly stage: Stage,
  ) {
    this.box = make('div', { class: 'v-corners', 'aria-hidden': 'true' });
    over.append(this.box);
  }

  show(isShown: boolean): void {
    this.hiddenText = !isShown;
    this.draw();
  }

  /** Has the picture told which side is which? */
  hasSides(): boolean {
    const picture = this.stage.picture();
    return picture !== undefined && sidesOf(picture, this.stage.surface().axes()) !== undefined;
  }

  draw(): void {
    const { stage } = this;
    const picture = stage.picture();
    const isShown = picture && stage.quality !== 'quick' && stage.quality !== 'none';
    this.box.replaceChildren(...(isShown ? [...this.sides(), ...this.texts()] : []));
  }

  private sides(): HTMLElement[] {
    const picture = this.stage.picture();
    const sides = picture && sidesOf(picture, this.stage.surface().axes());
    return sides ? Object.entries(sides).map(([edge, letter]) => make('span', { class: `v-side v-${edge}`, text: letter as string })) : [];
  }

  private texts(): HTMLElement[] {
    const { series } = this.stage;
    if (!series || this.hiddenText) return [];
    if (this.page.toolbar === 'patient') return [corner('top-left', [series.study.date, series.study.place])];
    return [corner('top-left', this.who()), corner('top-right', this.whereAndWhen()), corner('bottom-left', this.which()), corner('bottom-right', this.how())];
  }

  private who(): string[] {
    const { instance } = this.stage.picture() ?? {};
    if (!instance) return [];
    const born = dayInWords(text(instance, '00100030'));
    return [text(instance, '00100010').replace('^', ', ').replaceAll('^', ' '), born && words.born(born)];
  }

  private whereAndWhen(): string[] {
    const study = this.stage.series?.study;
    const { instance } = this.stage.picture() ?? {};
    if (!instance || !study) return [];
    return [study.place || text(instance, '00080080'), dayInWords(text(instance, '00080020')) || study.date, study.title];
  }

  private which(): string[] {
    const { stage } = this;
    const picture = stage.picture();
    if (!picture || !stage.series) return [];
    const plane = planeOf(picture);
    const thickness = forFrame(picture.instance, picture.frame, '00289110', '00180050')[0];
    return [
      words.seriesCorner(text(picture.instance, '00200011') || String(stage.series.number ?? ''), stage.series.description),
      words.imageCorner(stage.at + 1, stage.pictures.length) + (plane ? ` ${words.clinicalPlanes[plane]}` : ''),
      picture.position === undefined ? '' : words.sliceCorner(picture.position.toFixed(1)),
      thickness === undefined ? '' : words.thickCorner(thickness.toFixed(1)),
    ];
  }

  private how(): string[] {
    const surface = this.stage.surface();
    const { center, width } = surface.window();
    return [
      this.stage.picture()?.lossy ? words.lossyCorner : '',
      words.windowSentence(Math.round(center), Math.round(width)),
      words.zoomCorner(Math.round(surface.zoom() * 100)),
    ];
  }
}

function corner(where: string, lines: string[]): HTMLElement {
  return make('div', { class: `v-corner v-${where}` }, ...lines.filter(Boolean).map((line) => make('div', { text: line })));
}

/** "20260303" as "3 March 2026"; what is no date stays as it is. */
function dayInWords(written: string): string {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(written);
  const month = match && words.months[Number(match[2]) - 1];
  return match && month ? words.day(Number(match[3]), month, match[1] as string) : written;
}
