/** The two toolbars, the row with slider and arrows, and the panels they open. */

import type { Actions } from './actions';
import { icon, type Icon, make, rove, toolButton } from './building';
import type { Cine } from './cine';
import type { Page } from './given';
import { layoutPanel, lightPanel, type Panel, savePanel, speedPanel } from './panels';
import type { Panes } from './panes';
import type { MeasureTool } from './surface';
import { words } from './words';

export interface Openers {
  groups(): void;
  groupsAreOpen(): boolean;
  report(): void;
  reportIsOpen(): boolean;
  tags(): void;
  keys(): void;
  lookingAt(): void;
}

interface Tool {
  button: HTMLButtonElement;
  /** Says how the tool stands now; for tools that are on or off. */
  pressed?: () => boolean;
}

export class Toolbar {
  private readonly tools: Tool[] = [];
  private readonly panels: Panel[] = [];
  private readonly bar = make('div', { class: 'v-toolbar', role: 'toolbar', 'aria-label': words.tools, 'aria-controls': 'picture' });
  private readonly play: HTMLButtonElement;
  private marked: HTMLButtonElement | undefined;
  private compare: HTMLButtonElement | undefined;

  constructor(
    private readonly place: HTMLElement,
    page: Page,
    private readonly panes: Panes,
    private readonly actions: Actions,
    private readonly cine: Cine,
    open: Openers,
  ) {
    this.play = this.add('play', words.play, () => actions.togglePlay());
    const speed = this.addPanel('speed', words.speed, speedPanel(page, cine));
    this.add('zoomIn', words.zoomIn, () => actions.zoomIn());
    this.add('zoomOut', words.zoomOut, () => actions.zoomOut());
    const isClinician = page.toolbar === 'clinician';
    this.addPanel('light', isClinician ? words.presets : words.light, lightPanel(page, panes, actions));
    this.add('groups', words.groups, () => open.groups(), () => open.groupsAreOpen()).classList.add('v-for-phones');
    const first = this.tools.length;
    this.addComparing(page);
    if (isClinician) this.addClinicianTools(open);
    this.add('startOver', words.startOver, () => actions.startOver());
    const asking = isClinician ? [] : [this.add('whatIsThis', words.whatIsThis, () => open.lookingAt())];
    const saving = page.maySave ? [this.addSaving(isClinician)] : [];
    if (page.studies.some((study) => study.reportUrl)) this.add('report', words.report, () => open.report(), () => open.reportIsOpen());
    if (document.fullscreenEnabled) this.add('fullScreen', words.fullScreen, () => actions.toggleFullScreen()).classList.add('v-for-desks');
    this.add('keys', words.keys, () => open.keys()).classList.add('v-for-desks');
    this.addMore(isClinician ? this.tools.slice(first).map((tool) => tool.button) : [speed, ...asking, ...saving]);
    place.replaceChildren(...this.panels.map((panel) => panel.box), this.bar);
    rove(this.bar);
    this.closeOnEscape();
  }

  draw(): void {
    const isPlaying = this.cine.playing();
    this.play.replaceChildren(icon(isPlaying ? 'pause' : 'play'), make('span', { text: isPlaying ? words.pause : words.play }));
    for (const { button, pressed } of this.tools) if (pressed) button.setAttribute('aria-pressed', String(pressed()));
    for (const panel of this.panels) if (!panel.box.hidden) panel.draw();
    this.drawComparing();
  }

  /** What shows pictures beside each other, and the pictures that were marked. */
  private addComparing(page: Page): void {
    const { actions, panes } = this;
    this.marked = this.add('marked', words.marked, () => actions.toggleMarked(), () => panes.stage.series?.marked !== undefined);
    this.marked.hidden = true;
    if (page.toolbar === 'clinician') this.addPanel('layout', words.layout, layoutPanel(panes, actions));
    else this.compare = this.add('layout', words.compare(''), () => actions.compare(), () => panes.layout > 1);
  }

  private drawComparing(): void {
    const study = this.panes.stage.series?.study;
    if (this.marked) this.marked.hidden = !study?.series.some((one) => one.marked);
    if (!this.compare) return;
    const year = this.panes.priorYear();
    this.compare.hidden = !year;
    const word = this.compare.querySelector('span');
    if (word) word.textContent = words.compare(year);
  }

  private addClinicianTools(open: Openers): void {
    const { actions } = this;
    this.add('fit', words.fit, () => actions.fit());
    this.add('oneToOne', words.oneToOne, () => actions.oneToOne());
    this.addMeasure('length', words.length, 'Length');
    this.addMeasure('angle', words.angle, 'Angle');
    this.addMeasure('area', words.area, 'EllipticalROI');
    this.addMeasure('arrow', words.arrow, 'ArrowAnnotate');
    this.add('remove', words.remove, () => actions.removeMeasurement());
    this.add('invert', words.invert, () => actions.invert());
    this.add('rotate', words.rotate, () => actions.rotate());
    this.add('flipH', words.flipH, () => actions.flip('horizontal'));
    this.add('flipV', words.flipV, () => actions.flip('vertical'));
    this.add('corners', words.corners, () => actions.toggleCorners());
    this.add('tags', words.tags, () => open.tags());
  }

  /** Patients save what they see; doctors choose in which form. */
  private addSaving(isClinician: boolean): HTMLButtonElement {
    return isClinician ? this.addPanel('save', words.save, savePanel(this.actions)) : this.add('save', words.save, () => void this.actions.savePicture('jpg'));
  }

  private addMeasure(drawing: Icon, word: string, tool: MeasureTool): void {
    this.add(drawing, word, () => this.actions.measure(tool), () => this.actions.held() === tool);
  }

  private add(drawing: Icon, word: string, press: () => void, pressed?: () => boolean): HTMLButtonElement {
    const button = toolButton(drawing, word, press);
    this.tools.push(pressed ? { button, pressed } : { button });
    this.bar.append(button);
    return button;
  }

  private addPanel(drawing: Icon, word: string, panel: Panel): HTMLButtonElement {
    panel.box.hidden = true;
    panel.box.id = `v-panel-${drawing}`;
    const button = this.add(drawing, word, () => this.turnPanel(panel, button));
    button.setAttribute('aria-expanded', 'false');
    button.setAttribute('aria-controls', panel.box.id);
    this.panels.push(panel);
    return button;
  }

  private turnPanel(panel: Panel, button: HTMLButtonElement): void {
    const open = panel.box.hidden;
    this.closePanels();
    if (!open) return;
    panel.box.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    panel.draw();
    panel.box.querySelector<HTMLElement>('input, button')?.focus();
  }

  private closePanels(): void {
    for (const { box } of this.panels) box.hidden = true;
    for (const opener of this.bar.querySelectorAll('[aria-controls]')) opener.setAttribute('aria-expanded', 'false');
  }

  private closeOnEscape(): void {
    this.place.addEventListener('keydown', (event) => {
      const open = this.panels.find((panel) => !panel.box.hidden);
      if (event.key !== 'Escape' || !open) return;
      this.closePanels();
      this.bar.querySelector<HTMLElement>(`[aria-controls="${open.box.id}"]`)?.focus();
    });
  }

  /** On a phone the `rest` stand behind one button. */
  private addMore(rest: readonly HTMLButtonElement[]): void {
    for (const button of rest) button.classList.add('v-rest');
    const button = toolButton('more', words.more, () => {
      const isOpen = this.bar.classList.toggle('v-all');
      button.setAttribute('aria-expanded', String(isOpen));
    });
    button.classList.add('v-for-phones');
    button.setAttribute('aria-expanded', 'false');
    this.bar.append(button);
  }
}

/** Big arrows and a slider, with "12 of 30". */
export class Steps {
  private readonly slider = make('input', { type: 'range', min: '1', max: '1', value: '1', 'aria-label': words.sliderLabel, class: 'v-slider' });
  private readonly counter = make('output', { class: 'v-counter' });

  constructor(
    private readonly place: HTMLElement,
    private readonly panes: Panes,
    actions: Actions,
  ) {
    this.slider.addEventListener('input', () => actions.show(Number(this.slider.value) - 1));
    const earlier = toolButton('earlier', words.earlier, () => actions.step(-1));
    earlier.setAttribute('aria-label', words.earlierPicture);
    const later = toolButton('later', words.later, () => actions.step(1));
    later.setAttribute('aria-label', words.laterPicture);
    place.replaceChildren(earlier, make('div', { class: 'v-where' }, this.counter, this.slider), later);
  }

  draw(): void {
    const count = this.panes.count() || 1;
    const number = this.panes.at() + 1;
    this.slider.max = String(count);
    this.slider.value = String(number);
    this.counter.value = words.counter(number, count);
    this.slider.setAttribute('aria-valuetext', words.counter(number, count));
    this.place.classList.toggle('v-single', count < 2);
  }
}
