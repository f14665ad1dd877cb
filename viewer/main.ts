/** The viewer: begins with the quick view that is already on the page, then brings the sharp pictures. */

import './viewer.css';
import { Access } from './access';
import { Actions } from './actions';
import { make } from './building';
import { Cine } from './cine';
import { Corners } from './corners';
import { showHintsOnce, showKeys, showLookingAt, showTags } from './dialogs';
import { Gestures } from './gestures';
import { Keys } from './keys';
import { planeOf } from './orientation';
import { part, readPage, type Page } from './given';
import { ReportBeside } from './report';
import { Stage } from './stage';
import { Steps, Toolbar } from './toolbar';
import { words } from './words';

const MEGABYTE = 1 << 20;
const MEMORY = { phone: 512 * MEGABYTE, desk: 2048 * MEGABYTE };
const QUICK_VIEW_MILLISECONDS = 3000;
const SAID_FOR_MILLISECONDS = 8000;
const SPOKEN_AFTER_MILLISECONDS = 600;

class Viewer {
  private readonly area = part('picture');
  private readonly onPhone = matchMedia('(max-width: 40rem), (pointer: coarse)').matches;
  private readonly access: Access;
  private readonly stage: Stage;
  private readonly cine: Cine;
  private readonly corners: Corners;
  private readonly actions: Actions;
  private readonly report: ReportBeside;
  private readonly steps: Steps;
  private readonly toolbar: Toolbar;
  private readonly keys: Keys;
  private speaking = 0;
  private forgetting = 0;

  constructor(private readonly page: Page) {
    this.access = new Access(page);
    const memory = this.onPhone ? MEMORY.phone : MEMORY.desk;
    this.stage = new Stage(part<HTMLImageElement>('quick'), part('sharp'), memory, {
      changed: () => this.draw(),
      offline: (isOffline) => this.offline(isOffline),
      ended: () => this.access.end(),
    });
    this.cine = new Cine(this.stage, () => this.draw());
    this.corners = new Corners(this.area, page, this.stage);
    this.actions = new Actions(page, this.stage, this.cine, this.corners, (sentence) => this.say(sentence), () => this.draw());
    this.report = new ReportBeside(part('report'), this.stage, () => this.draw());
    this.steps = new Steps(part('steps'), this.stage, this.actions);
    const more = { report: () => this.report.toggle(), tags: () => void showTags(this.stage), keys: () => showKeys(page, this.actions) };
    this.toolbar = new Toolbar(part('tools'), page, this.stage, this.actions, this.cine, {
      ...more,
      groups: () => this.turnGroups(),
      groupsAreOpen: () => part('groups').classList.contains('v-open'),
      reportIsOpen: () => this.report.isOpen(),
      lookingAt: () => showLookingAt(this.corners),
    });
    this.keys = new Keys(this.area, this.stage, this.actions, more);
    new Gestures(this.area, this.hands());
    this.access.onEnd(() => (this.cine.stop(), this.stage.close()));
    new ResizeObserver(() => this.stage.resize()).observe(this.area);
    this.listenToGroups();
  }

  async begin(): Promise<void> {
    showHintsOnce(this.page);
    if (this.page.start) void this.stage.open(this.page.start);
    await quickViewShown(part<HTMLImageElement>('quick'));
    try {
      const { openNative } = await import('./native');
      const native = await openNative(part<HTMLDivElement>('sharp'), this.onPhone ? MEMORY.phone : MEMORY.desk, this.onPhone ? 1 : 2);
      native.measuring.onMeasured((what) => this.say(words.measured(what)));
      this.stage.adopt(native);
    } catch (problem) {
      console.warn('the sharp view did not start', problem);
      this.say(words.tooOld);
    }
  }

  private hands() {
    const { stage, actions } = this;
    return {
      step: (by: number) => actions.step(by),
      zoomBy: (factor: number, at: [number, number]) => (stage.surface().zoomBy(factor, at), this.draw()),
      panBy: (right: number, down: number) => (stage.surface().panBy(right, down), this.draw()),
      windowBy: (right: number, down: number) => actions.windowBy(right, down),
      startOver: () => actions.startOver(),
      fullScreen: () => actions.toggleFullScreen(),
      zoomed: () => stage.surface().zoom() > 1.01,
      spaceHeld: () => this.keys.spaceHeld(),
      mainDrag: (pointer: string) => {
        if (actions.held()) return 'none' as const;
        if (pointer === 'mouse' && actions.isClinician()) return 'window' as const;
        return stage.surface().zoom() > 1.01 ? ('pan' as const) : ('step' as const);
      },
    };
  }

  private draw(): void {
    const { stage } = this;
    this.steps.draw();
    this.toolbar.draw();
    this.corners.draw();
    this.report.draw();
    this.drawQuality();
    part('sentence').textContent = stage.sentence;
    this.area.dataset.shown = stage.quality;
    this.area.dataset.number = String(stage.at + 1);
    const label = this.label();
    if (this.area.getAttribute('aria-label') === label) return;
    this.area.setAttribute('aria-label', label);
    // Said only when the picture rests, or playing would talk without end.
    window.clearTimeout(this.speaking);
    this.speaking = window.setTimeout(() => (part('spoken').textContent = label), SPOKEN_AFTER_MILLISECONDS);
  }

  private label(): string {
    const { stage } = this;
    const picture = stage.picture();
    const plane = picture && planeOf(picture);
    const count = stage.pictures.length || (stage.series?.count ?? 1);
    const number = stage.pictures.length ? stage.at + 1 : (count >> 1) + 1;
    const planeWords = this.page.toolbar === 'patient' ? words.planes : words.clinicalPlanes;
    return [words.pictureLabel(number, count), stage.series?.study.title, stage.series?.description, plane && planeWords[plane], stage.sentence || this.qualityWords()]
      .filter(Boolean)
      .join(', ');
  }

  private qualityWords(): string {
    const { loading, quickView, fullQuality, lossy, simpleView } = words;
    return { loading, quick: quickView, full: fullQuality, lossy, simple: simpleView, none: '' }[this.stage.quality];
  }

  private drawQuality(): void {
    const mark = part('quality');
    mark.dataset.quality = this.stage.quality;
    const text = this.qualityWords();
    if (mark.textContent !== text) mark.textContent = text;
  }

  private say(sentence: string): void {
    part('said').textContent = sentence;
    window.clearTimeout(this.forgetting);
    this.forgetting = window.setTimeout(() => !this.actions.isWaitingForKeys() && this.say(''), SAID_FOR_MILLISECONDS);
  }

  private offline(isOffline: boolean): void {
    const banner = part('offline');
    banner.hidden = !isOffline;
    banner.textContent = isOffline ? words.offline : '';
  }

  private listenToGroups(): void {
    const groups = part('groups');
    const series = this.page.studies.flatMap((study) => study.series);
    groups.addEventListener('click', (event) => {
      const link = (event.target as HTMLElement).closest<HTMLElement>('a[data-series]');
      const wanted = series.find((one) => one.uid === link?.dataset.series);
      if (!link || !wanted || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.actions.openGroup(wanted);
      groups.classList.remove('v-open');
      this.area.focus();
    });
    // A thumbnail the server has not got leaves an empty place, not a broken sign.
    const empty = (image: HTMLImageElement) => image.classList.add('v-gone');
    groups.addEventListener('error', (event) => event.target instanceof HTMLImageElement && empty(event.target), true);
    for (const image of groups.querySelectorAll('img')) if (image.complete && !image.naturalWidth) empty(image);
    const mark = () => {
      for (const link of groups.querySelectorAll<HTMLElement>('a[data-series]')) {
        if (link.dataset.series === this.stage.series?.uid) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      }
    };
    new MutationObserver(mark).observe(this.area, { attributes: true, attributeFilter: ['aria-label'] });
    mark();
  }

  /** On a phone the groups lie over the picture. */
  private turnGroups(): void {
    const groups = part('groups');
    if (groups.classList.toggle('v-open')) groups.querySelector<HTMLElement>('a')?.focus();
    this.toolbar.draw();
  }
}

/** After this the quick view is on the screen, or has had its time. */
function quickViewShown(quick: HTMLImageElement): Promise<unknown> {
  const shown = quick.complete ? Promise.resolve() : quick.decode().catch(() => undefined);
  return Promise.race([shown, new Promise((late) => setTimeout(late, QUICK_VIEW_MILLISECONDS))]);
}

const root = document.getElementById('viewer');
if (root) {
  root.prepend(make('p', { id: 'offline', class: 'v-offline', role: 'status', hidden: '' }));
  void new Viewer(readPage(root)).begin();
}
