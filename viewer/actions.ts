/** Everything a person can do with the pictures, by one name each: toolbar, keys and gestures all come here. */

import type { Cine } from './cine';
import type { Page, Series } from './given';
import type { Layout, Panes } from './panes';
import type { Place } from './opening';
import type { Form } from './saving';
import type { MeasureTool, Point } from './surface';
import { type Look, looksFor } from './windows';
import { words } from './words';

const ZOOM_STEP = 1.25;
const PAN_STEP = 30;
const WINDOW_STEP = 0.02;
const FELT_MILLISECONDS = 15;

export class Actions {
  /** Do the arrow keys change the window now? */
  windowKeys = false;
  lettersOn = true;
  private textIsOn = true;

  constructor(
    private readonly page: Page,
    private readonly panes: Panes,
    private readonly cine: Cine,
    /** Says a sentence to eyes and ears. */
    private readonly say: (sentence: string) => void,
    private readonly redraw: () => void,
  ) {}

  isClinician(): boolean {
    return this.page.toolbar === 'clinician';
  }

  step(by: number): void {
    this.panes.step(by);
  }

  show(at: number): void {
    this.panes.show(at);
  }

  togglePlay(): void {
    this.cine.toggle();
  }

  slower(): void {
    this.cine.setRate(this.cine.rate / 1.5);
  }

  faster(): void {
    this.cine.setRate(this.cine.rate * 1.5);
  }

  zoomIn(): void {
    this.panes.surface().zoomBy(ZOOM_STEP);
    this.redraw();
  }

  zoomOut(): void {
    this.panes.surface().zoomBy(1 / ZOOM_STEP);
    this.redraw();
  }

  fit(): void {
    this.panes.surface().fit();
    this.redraw();
  }

  oneToOne(): void {
    this.panes.surface().oneToOne();
    this.redraw();
  }

  pan(right: number, down: number): void {
    this.panes.surface().panBy(right * PAN_STEP, down * PAN_STEP);
    this.redraw();
  }

  /** `right` widens the window, `down` makes it darker, in screen points of dragging. */
  windowBy(right: number, down: number): void {
    const surface = this.panes.surface();
    const { center, width } = surface.window();
    const size = surface.ownWindow().width;
    const way = surface.inverted() ? -1 : 1;
    this.panes.setWindow({ center: center + (way * down * size * WINDOW_STEP) / 8, width: Math.max(1, width + (right * size * WINDOW_STEP) / 8) });
    this.redraw();
  }

  look(look: Look): void {
    this.panes.setWindow(look.window);
    this.say(look.name);
    this.redraw();
  }

  lookNumber(number: number): void {
    const look = looksFor(this.page, this.panes)[number - 1];
    if (look) this.look(look);
  }

  toggleWindowKeys(): void {
    this.windowKeys = !this.windowKeys;
    this.say(this.windowKeys ? words.windowKeys : '');
  }

  startOver(): void {
    this.windowKeys = false;
    this.panes.surface().reset();
    this.redraw();
  }

  invert(): void {
    this.panes.surface().invert();
    this.redraw();
  }

  rotate(): void {
    this.panes.surface().rotate();
    this.redraw();
  }

  flip(which: 'horizontal' | 'vertical'): void {
    this.panes.surface().flip(which);
    this.redraw();
  }

  /** The pointer takes the tool, or puts it down when it holds it. */
  measure(tool: MeasureTool): void {
    const native = this.panes.native();
    if (!native) return this.say(this.panes.cutting.isOn() ? words.notOnPlanes : words.notMeasurable);
    const { measuring } = native;
    const next = measuring.current() === tool ? undefined : tool;
    measuring.take(next);
    const spacing = this.panes.stage.picture()?.instance['00280030']?.Value?.length;
    this.say(next ? [words.measuring[next], tool === 'Length' && !spacing ? words.noSpacing : ''].join(' ') : '');
    this.redraw();
  }

  /** Is a sentence on the screen that a person needs while they go on? */
  isWaitingForKeys(): boolean {
    return this.windowKeys || this.held() !== undefined;
  }

  held(): MeasureTool | undefined {
    return this.panes.native()?.measuring.current();
  }

  placeMeasurement(): void {
    const measuring = this.panes.native()?.measuring;
    const tool = measuring?.current();
    if (!measuring || !tool) return this.pointAtMiddle();
    if (measuring.placing()) {
      measuring.endPlacing();
      return this.say('');
    }
    measuring.place(tool);
    this.say(words.placing);
  }

  /** A doctor's finger that rests on the picture measures from there; false where nobody measures. */
  drawFrom(at: Point): boolean {
    const native = this.panes.native();
    if (!native || !this.isClinician() || this.held()) return false;
    navigator.vibrate?.(FELT_MILLISECONDS);
    native.measuring.drawFrom(at);
    this.say(words.drawing);
    return true;
  }

  private pointAtMiddle(): void {
    const { clientWidth, clientHeight } = this.panes.surface().element;
    this.pointAt([clientWidth / 2, clientHeight / 2]);
  }

  removeMeasurement(): void {
    this.say(this.panes.native()?.measuring.removeLast() ? words.removed : words.noMeasurement);
  }

  toggleCorners(): void {
    for (const pane of this.panes.all) pane.corners.show(!this.textIsOn);
    this.textIsOn = !this.textIsOn;
    this.redraw();
  }

  otherGroup(by: number): void {
    const all = this.page.studies.flatMap((study) => study.series);
    const at = all.findIndex((one) => one === this.panes.stage.series);
    const next = all[at + by];
    if (next) this.openGroup(next);
  }

  openGroup(series: Series, place?: Place): void {
    const { stage } = this.panes;
    if (series === stage.series && stage.pictures.length) {
      if (place) this.show(place(stage.pictures));
      return;
    }
    this.cine.stop();
    void this.panes.open(series, place);
  }

  /** Between the marked pictures and all those of the group in which the one looked at lies. */
  toggleMarked(): void {
    const { stage } = this.panes;
    const { series } = stage;
    const marked = series?.study.series.find((one) => one.marked);
    if (!series || !marked) return this.say(words.nothingMarked);
    const picture = stage.picture();
    const same: Place = (pictures) => pictures.findIndex((one) => one.address === picture?.address);
    const of = series.marked?.find((mark) => picture?.address.startsWith(`${mark.series.address}/`))?.series;
    if (series.marked && of) this.openGroup(of, same);
    else this.openGroup(marked, same);
  }

  layout(layout: Layout): void {
    this.cine.stop();
    void this.panes.setLayout(layout);
  }

  compare(): void {
    this.cine.stop();
    if (!this.panes.priorYear()) return this.say(words.noPrior);
    void this.panes.compare();
  }

  toggleLink(): void {
    if (this.panes.all.length < 2) return this.say(words.linkNeedsTwo);
    this.panes.linking.toggle();
    this.say(this.panes.linking.isOn() ? words.linked : words.unlinked);
    this.redraw();
  }

  toggleScouts(): void {
    this.panes.scouts.toggle();
    const isOn = this.panes.scouts.isOn();
    this.say(isOn ? (this.panes.all.length > 1 ? words.scoutsOn : words.scoutsNeedTwo) : '');
    this.redraw();
  }

  /** After this the other pictures and planes show what lies at `at`, screen points from the picture's corner. */
  pointAt(at: Point): void {
    if (this.held()) return;
    if (this.panes.cutting.view) this.panes.cutting.view.pointAt(at);
    else this.panes.scouts.pointAt(at);
  }

  togglePlanes(): void {
    this.cine.stop();
    void this.panes.cut((sentence) => this.say(sentence));
  }

  toggleFullScreen(): void {
    // The element is asked, not the picture: the tools belong to the full screen too.
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.page.root.requestFullscreen?.().catch(() => undefined);
  }

  async savePicture(form: Form): Promise<void> {
    if (!this.page.maySave) return;
    const { savePicture } = await import('./saving');
    await savePicture(form, this.panes, this.say);
  }
}
