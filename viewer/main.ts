/** The viewer: begins with the quick view that is already on the page, then brings the sharp pictures. */

import './viewer.css';
import { Access } from './access';
import { Actions } from './actions';
import { make } from './building';
import { Cine } from './cine';
import { showHintsOnce, showKeys, showLookingAt, showTags } from './dialogs';
import { Gestures } from './gestures';
import { Keys } from './keys';
import { number } from './dicom';
import { part, readPage, type Page, type Series, type Study } from './given';
import { Groups } from './groups';
import { markedGroup } from './marks';
import type { Place } from './opening';
import { Panes } from './panes';
import type { Reference } from './references';
import { ReportBeside } from './report';
import { Steps, Toolbar } from './toolbar';
import { words } from './words';

const MEGABYTE = 1 << 20;
const MEMORY = { phone: 512 * MEGABYTE, desk: 2048 * MEGABYTE };
/** Of the device's own memory a quarter at most is for pictures. */
const QUARTER_GIGABYTE = 256 * MEGABYTE;
const ENOUGH_GIGABYTES = 8;
const QUICK_VIEW_MILLISECONDS = 3000;
const SAID_FOR_MILLISECONDS = 8000;
/** There the report lies over the picture. */
const LYING_PHONE = '(max-height: 30rem)';
const SPOKEN_AFTER_MILLISECONDS = 600;

class Viewer {
  private readonly device = deviceAtHand();
  private readonly access: Access;
  private readonly panes: Panes;
  private readonly cine: Cine;
  private readonly actions: Actions;
  private readonly report: ReportBeside;
  private readonly steps: Steps;
  private readonly toolbar: Toolbar;
  private readonly groups: Groups;
  private readonly keys: Keys;
  private speaking = 0;
  private forgetting = 0;

  constructor(private readonly page: Page) {
    this.access = new Access(page);
    const areas: HTMLElement[] = [];
    this.panes = new Panes(part('panes'), page, this.device, {
      changed: () => this.draw(),
      offline: (isOffline) => this.offline(isOffline),
      ended: () => this.access.end(),
      turned: () => (this.cine.stop(), this.draw()),
      opened: (area) => (this.keys ? this.handle(area) : areas.push(area)),
    });
    const { panes } = this;
    this.cine = new Cine(panes, () => this.draw());
    this.actions = new Actions(page, panes, this.cine, (sentence) => this.say(sentence), () => this.draw());
    this.report = new ReportBeside(part('report'), panes, () => this.draw(), (study, to) => this.goTo(study, to));
    this.steps = new Steps(part('steps'), panes, this.actions);
    const more = { report: () => this.report.toggle(), tags: () => void showTags(panes.stage), keys: () => showKeys(page, this.actions) };
    const groups = new Groups(part('groups'), page, panes, this.actions);
    this.toolbar = new Toolbar(part('tools'), page, panes, this.actions, this.cine, {
      ...more,
      groups: () => (groups.turn(), this.draw()),
      groupsAreOpen: () => groups.areOpen(),
      reportIsOpen: () => this.report.isOpen(),
      lookingAt: () => showLookingAt(panes.active.corners),
    });
    this.groups = groups;
    this.keys = new Keys(part('panes'), panes, this.actions, more);
    for (const area of areas) this.handle(area);
    this.tellToolsHeight();
    this.access.onEnd(() => (this.cine.stop(), panes.close()));
  }

  async begin(): Promise<void> {
    const { page, panes } = this;
    showHintsOnce(page);
    const { start, startImage } = page;
    if (start) void panes.stage.open(start, startImage === undefined ? undefined : this.placeOf(start, startImage));
    if (start?.study.marks.length && startImage === undefined) void this.goOnWithMarked(start);
    await quickViewShown(part<HTMLImageElement>('quick'));
    for (const study of page.studies) if (study !== start?.study || startImage !== undefined) void this.addMarked(study);
    try {
      const { openNative } = await import('./native');
      const { isPhone, memory } = this.device;
      const drawing = await openNative({ memory, workers: isPhone ? 1 : 2, contexts: isPhone ? 1 : 2 });
      drawing.measuring.onMeasured((what) => this.say(words.measured(what)));
      panes.adopt(drawing);
    } catch (problem) {
      console.warn('the sharp view did not start', problem);
      this.say(words.tooOld);
      panes.adoptNone();
    }
  }

  /** The marked pictures first, if there are any and we may know which, unless somebody has gone on already. */
  private async goOnWithMarked(start: Series): Promise<void> {
    const { stage } = this.panes;
    const marked = await this.addMarked(start.study);
    if (marked && stage.series === start && stage.isUntouched()) void stage.open(marked);
  }

  private async addMarked(study: Study): Promise<Series | undefined> {
    if (!study.marks.length) return undefined;
    const marked = await markedGroup(study);
    if (!marked) return undefined;
    study.series.unshift(marked);
    this.groups.add(marked);
    this.draw();
    return marked;
  }

  /** What lies over the picture on a phone ends where the tools begin. */
  private tellToolsHeight(): void {
    const tools = part('tools');
    new ResizeObserver(() => this.page.root.style.setProperty('--tools', `${tools.offsetHeight}px`)).observe(tools);
  }

  private handle(area: HTMLElement): void {
    new Gestures(area, this.hands());
  }

  private hands() {
    const { panes, actions } = this;
    return {
      step: (by: number) => actions.step(by),
      zoomBy: (factor: number, at: [number, number]) => (panes.surface().zoomBy(factor, at), this.draw()),
      panBy: (right: number, down: number) => (panes.surface().panBy(right, down), this.draw()),
      windowBy: (right: number, down: number) => actions.windowBy(right, down),
      startOver: () => actions.startOver(),
      fullScreen: () => actions.toggleFullScreen(),
      pressed: (at: [number, number]) => actions.pointAt(at),
      rested: (at: [number, number]) => actions.drawFrom(at),
      drew: (at: [number, number]) => panes.native()?.measuring.drawTo(at),
      lifted: () => panes.native()?.measuring.endDrawing(),
      zoomed: () => panes.surface().zoom() > 1.01,
      spaceHeld: () => this.keys.spaceHeld(),
      mainDrag: (pointer: string) => {
        if (actions.held()) return 'none' as const;
        if (pointer === 'mouse' && actions.isClinician()) return 'window' as const;
        return panes.surface().zoom() > 1.01 ? ('pan' as const) : ('step' as const);
      },
    };
  }

  private draw(): void {
    // The first changes are told while this is still being put together.
    if (!this.keys) return;
    this.cine.suit();
    this.steps.draw();
    this.toolbar.draw();
    this.report.draw();
    this.groups.draw();
    this.drawQuality();
    this.panes.draw((label) => this.speak(label));
  }

  /** Said only when the picture rests, or playing would talk without end. */
  private speak(label: string): void {
    window.clearTimeout(this.speaking);
    this.speaking = window.setTimeout(() => (part('spoken').textContent = label), SPOKEN_AFTER_MILLISECONDS);
  }

  private drawQuality(): void {
    const { panes } = this;
    const mark = part('quality');
    mark.dataset.quality = panes.stage.quality;
    const text = this.cine.waiting() ? words.waitingForPictures : panes.active.qualityWords();
    if (mark.textContent !== text) mark.textContent = text;
  }

  /** Shows the picture that a report names. */
  private goTo(study: Study, { series, image }: Reference): void {
    const group = study.series.find((one) => one.number === series && one.count > 0);
    if (!group) return;
    if (matchMedia(LYING_PHONE).matches) this.report.toggle();
    this.actions.openGroup(group, this.placeOf(group, image));
    this.panes.active.area.focus();
  }

  /** Where the picture with this number stands; where there is none, that is said and the place stays. */
  private placeOf(group: Series, image: number): Place {
    return (pictures) => {
      const at = pictures.findIndex((picture) => number(picture.instance, '00200013') === image);
      if (at < 0) this.say(words.noSuchPicture(group.number ?? 0, image));
      return at < 0 ? this.panes.stage.at : at;
    };
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
}

/** After this the quick view is on the screen, or has had its time. */
function quickViewShown(quick: HTMLImageElement): Promise<unknown> {
  const shown = quick.complete ? Promise.resolve() : quick.decode().catch(() => undefined);
  return Promise.race([shown, new Promise((late) => setTimeout(late, QUICK_VIEW_MILLISECONDS))]);
}

function deviceAtHand() {
  const isPhone = matchMedia('(max-width: 40rem), (pointer: coarse)').matches;
  const gigabytes = (navigator as { deviceMemory?: number }).deviceMemory ?? ENOUGH_GIGABYTES;
  return { isPhone, memory: Math.min(isPhone ? MEMORY.phone : MEMORY.desk, gigabytes * QUARTER_GIGABYTE) };
}

const root = document.getElementById('viewer');
if (root) {
  root.prepend(make('p', { id: 'offline', class: 'v-offline', role: 'status', hidden: '' }));
  void new Viewer(readPage(root)).begin();
}
