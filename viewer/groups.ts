/** The list of groups beside the pictures; on a phone it lies over them. */

import type { Actions } from './actions';
import { make } from './building';
import type { Page, Series } from './given';
import type { Panes } from './panes';
import { quickOf } from './pictures';
import { words } from './words';

export class Groups {
  constructor(
    private readonly box: HTMLElement,
    private readonly page: Page,
    private readonly panes: Panes,
    private readonly actions: Actions,
  ) {
    box.addEventListener('click', (event) => this.pick(event));
    box.addEventListener('dragstart', (event) => {
      const uid = this.linkAt(event)?.dataset.series;
      if (uid) event.dataTransfer?.setData('text/x-series', uid);
    });
    // A thumbnail the server has not got leaves an empty place, not a broken sign.
    const empty = (image: HTMLImageElement) => image.classList.add('v-gone');
    box.addEventListener('error', (event) => event.target instanceof HTMLImageElement && empty(event.target), true);
    for (const image of box.querySelectorAll('img')) if (image.complete && !image.naturalWidth) empty(image);
  }

  areOpen(): boolean {
    return this.box.classList.contains('v-open');
  }

  turn(): void {
    if (this.box.classList.toggle('v-open')) this.box.querySelector<HTMLElement>('a')?.focus();
  }

  /** After this the marked pictures of a scan stand first among its groups. */
  add(marked: Series): void {
    const first = this.linkTo(marked.study.series.find((one) => !one.marked));
    const list = first?.closest('ol');
    if (!list) return;
    const image = make('img', { src: quickOf(marked).replace('1024,1024', '128,128'), alt: '', width: '64', height: '64', loading: 'lazy' });
    const link = make('a', { href: '#picture', 'data-series': marked.uid }, image);
    link.append(make('span', { class: 'v-group-name', text: marked.description }), make('span', { class: 'v-group-count v-note', text: words.pictureCount(marked.count) }));
    list.prepend(make('li', {}, link));
  }

  draw(): void {
    const seen = new Set(this.panes.all.map((pane) => pane.stage.series?.uid));
    for (const link of this.box.querySelectorAll<HTMLElement>('a[data-series]')) {
      const { series } = link.dataset;
      if (series === this.panes.stage.series?.uid) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
      link.classList.toggle('v-seen', seen.has(series));
    }
  }

  private pick(event: MouseEvent): void {
    const link = this.linkAt(event);
    const wanted = this.page.studies.flatMap((study) => study.series).find((one) => one.uid === link?.dataset.series);
    if (!link || !wanted || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.actions.openGroup(wanted);
    this.box.classList.remove('v-open');
    this.panes.active.area.focus();
    this.panes.redraw();
  }

  private linkAt(event: Event): HTMLElement | null {
    return (event.target as HTMLElement).closest<HTMLElement>('a[data-series]');
  }

  private linkTo(series: Series | undefined): HTMLElement | null {
    return series ? this.box.querySelector<HTMLElement>(`a[data-series="${series.uid}"]`) : null;
  }
}
