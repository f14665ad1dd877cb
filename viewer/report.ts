/** The written report beside the pictures. */

import { ask, Refused } from './asking';
import { make, plainButton } from './building';
import type { Study } from './given';
import type { Panes } from './panes';
import { linkPictures, type Reference } from './references';
import { words } from './words';

/** Of the window's width, in per cent. */
const NARROWEST = 18;
const WIDEST = 60;
const USUAL = 28;
const STEP = 4;
const NOT_SHOWN = 'script, style, link, iframe, object, embed, form, nav, base, meta, .kr-quick, .kr-actions, .kr-buttons, .kr-confirm:has(form)';

export class ReportBeside {
  private shownFor = '';
  private readonly bar: HTMLElement;

  constructor(
    private readonly box: HTMLElement,
    private readonly panes: Panes,
    private readonly changed: () => void,
    /** Shows the picture that a report names. */
    private readonly go: (study: Study, to: Reference) => void,
  ) {
    this.bar = this.splitter();
    box.before(this.bar);
  }

  isOpen(): boolean {
    return !this.box.hidden;
  }

  toggle(): void {
    this.box.hidden = !this.box.hidden;
    this.bar.hidden = this.box.hidden;
    this.draw();
    this.changed();
    if (this.isOpen()) this.box.querySelector<HTMLElement>('h2')?.focus();
    else this.panes.active.area.focus();
  }

  /** Follows the study that is looked at. */
  draw(): void {
    const study = this.panes.stage.series?.study;
    const address = study?.reportUrl ?? '';
    if (!this.isOpen() || this.shownFor === `at ${address}`) return;
    this.shownFor = `at ${address}`;
    if (!study || !address) this.put(make('p', { text: words.noReport }));
    else void this.fetch(address, study);
  }

  private async fetch(address: string, study: Study): Promise<void> {
    this.put(make('p', { text: words.reportLoading }));
    try {
      const answer = await ask(`${address}?fragment=1`, 'text/html');
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (this.shownFor !== `at ${address}`) return;
      const text = content(page);
      // On its own page a report leads to pictures by addresses; here they are one click away.
      for (const link of text.querySelectorAll('.kr-picture-named')) link.replaceWith(...link.childNodes);
      text.normalize();
      linkPictures(text, ({ series }) => study.series.some((one) => one.number === series && one.count > 0), (to) => this.go(study, to));
      this.put(text, openLink(address));
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      this.put(make('p', { text: words.reportFailed }), openLink(address));
    }
  }

  /** A bar between pictures and report, moved by mouse and by the arrow keys. */
  private splitter(): HTMLElement {
    const { box } = this;
    const bar = make('div', { class: 'v-splitter', role: 'separator', tabindex: '0', 'aria-orientation': 'vertical', 'aria-label': words.reportWidth, hidden: '' });
    const set = (percent: number) => {
      const width = Math.round(Math.max(NARROWEST, Math.min(WIDEST, percent)));
      box.parentElement?.style.setProperty('--report', `${width}%`);
      bar.setAttribute('aria-valuenow', String(width));
      return width;
    };
    const place = () => box.getBoundingClientRect();
    const share = () => (100 * place().width) / (box.parentElement?.clientWidth || 1);
    bar.setAttribute('aria-valuemin', String(NARROWEST));
    bar.setAttribute('aria-valuemax', String(WIDEST));
    bar.setAttribute('aria-valuenow', String(USUAL));
    bar.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      set(share() + by);
    });
    bar.addEventListener('pointerdown', (event) => bar.setPointerCapture(event.pointerId));
    bar.addEventListener('pointermove', (event) => {
      if (bar.hasPointerCapture(event.pointerId)) set((100 * (place().right - event.clientX)) / (box.parentElement?.clientWidth || 1));
    });
    return bar;
  }

  private put(...inside: Node[]): void {
    const close = plainButton(words.close, () => this.toggle());
    this.box.replaceChildren(make('div', { class: 'v-report-head' }, make('h2', { tabindex: '-1', text: words.reportTitle }), close), ...inside);
  }
}

/** The report's own words, without what belongs to a page of its own: what can be done there is at hand here. */
function content(page: Document): HTMLElement {
  const from = page.querySelector('main') ?? page.body;
  // A page that asks first, before any text, is answered on the page itself; its question has no buttons here.
  const asks = !from.querySelector('.kr-report') && [...from.querySelectorAll('form')].some((form) => !form.closest('.kr-confirm'));
  if (asks) for (const part of from.querySelectorAll('h2, h2 ~ *')) part.remove();
  for (const part of from.querySelectorAll(NOT_SHOWN)) part.remove();
  const box = make('div', { class: 'v-report-text' });
  for (const heading of from.querySelectorAll('h1')) {
    const lower = page.createElement('h3');
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  }
  // Beside the pictures nothing folds.
  for (const part of from.querySelectorAll('.kr-part')) {
    const section = page.createElement('section');
    part.querySelector('summary')?.replaceWith(...part.querySelectorAll('summary > *'));
    section.append(...part.childNodes);
    part.replaceWith(section);
  }
  for (const part of from.querySelectorAll('[id]')) part.removeAttribute('id');
  box.append(...[...from.childNodes].map((part) => document.adoptNode(part)));
  return box;
}

function openLink(address: string): HTMLElement {
  return make('p', {}, make('a', { href: address, text: words.reportOpen }));
}
