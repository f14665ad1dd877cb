/** Everything a person can do with the pictures, by one name each: toolbar, keys and gestures all come here. */

import { ask, Refused } from './asking';
import type { Cine } from './cine';
import type { Corners } from './corners';
import type { Page, Series } from './given';
import type { Stage } from './stage';
import type { MeasureTool } from './surface';
import { type Look, looksFor } from './windows';
import { words } from './words';

const ZOOM_STEP = 1.25;
const PAN_STEP = 30;
const WINDOW_STEP = 0.02;

export class Actions {
  /** Do the arrow keys change the window now? */
  windowKeys = false;
  lettersOn = true;

  constructor(
    private readonly page: Page,
    private readonly stage: Stage,
    private readonly cine: Cine,
    private readonly corners: Corners,
    /** Says a sentence to eyes and ears. */
    private readonly say: (sentence: string) => void,
    private readonly redraw: () => void,
  ) {}

  isClinician(): boolean {
    return this.page.toolbar === 'clinician';
  }

  step(by: number): void {
    this.stage.show(this.stage.at + by);
  }

  show(at: number): void {
    this.stage.show(at);
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
    this.stage.surface().zoomBy(ZOOM_STEP);
    this.redraw();
  }

  zoomOut(): void {
    this.stage.surface().zoomBy(1 / ZOOM_STEP);
    this.redraw();
  }

  fit(): void {
    this.stage.surface().fit();
    this.redraw();
  }

  oneToOne(): void {
    this.stage.surface().oneToOne();
    this.redraw();
  }

  pan(right: number, down: number): void {
    this.stage.surface().panBy(right * PAN_STEP, down * PAN_STEP);
    this.redraw();
  }

  /** `right` widens the window, `down` makes it darker, in screen points of dragging. */
  windowBy(right: number, down: number): void {
    const surface = this.stage.surface();
    const { center, width } = surface.window();
    const size = surface.ownWindow().width;
    const way = surface.inverted() ? -1 : 1;
    surface.setWindow({ center: center + (way * down * size * WINDOW_STEP) / 8, width: Math.max(1, width + (right * size * WINDOW_STEP) / 8) });
    this.redraw();
  }

  look(look: Look): void {
    this.stage.surface().setWindow(look.window);
    this.say(look.name);
    this.redraw();
  }

  lookNumber(number: number): void {
    const look = looksFor(this.page, this.stage)[number - 1];
    if (look) this.look(look);
  }

  toggleWindowKeys(): void {
    this.windowKeys = !this.windowKeys;
    this.say(this.windowKeys ? words.windowKeys : '');
  }

  startOver(): void {
    this.windowKeys = false;
    this.stage.surface().reset();
    this.redraw();
  }

  invert(): void {
    this.stage.surface().invert();
    this.redraw();
  }

  rotate(): void {
    this.stage.surface().rotate();
    this.redraw();
  }

  flip(which: 'horizontal' | 'vertical'): void {
    this.stage.surface().flip(which);
    this.redraw();
  }

  /** The pointer takes the tool, or puts it down when it holds it. */
  measure(tool: MeasureTool): void {
    const native = this.stage.nativeShown();
    if (!native) return this.say(words.notMeasurable);
    const { measuring } = native;
    const next = measuring.current() === tool ? undefined : tool;
    measuring.take(next);
    const spacing = this.stage.picture()?.instance['00280030']?.Value?.length;
    this.say(next ? [words.measuring[next], tool === 'Length' && !spacing ? words.noSpacing : ''].join(' ') : '');
    this.redraw();
  }

  /** Is a sentence on the screen that a person needs while they go on? */
  isWaitingForKeys(): boolean {
    return this.windowKeys || this.held() !== undefined;
  }

  held(): MeasureTool | undefined {
    return this.stage.nativeShown()?.measuring.current();
  }

  placeMeasurement(): void {
    const measuring = this.stage.nativeShown()?.measuring;
    const tool = measuring?.current();
    if (!measuring || !tool) return;
    if (measuring.placing()) {
      measuring.endPlacing();
      return this.say('');
    }
    measuring.place(tool);
    this.say(words.placing);
  }

  removeMeasurement(): void {
    this.say(this.stage.nativeShown()?.measuring.removeLast() ? words.removed : words.noMeasurement);
  }

  toggleCorners(): void {
    this.corners.toggle();
    this.redraw();
  }

  otherGroup(by: number): void {
    const all = this.page.studies.flatMap((study) => study.series);
    const at = all.findIndex((one) => one === this.stage.series);
    const next = all[at + by];
    if (next) this.openGroup(next);
  }

  openGroup(series: Series): void {
    if (series === this.stage.series) return;
    this.cine.stop();
    void this.stage.open(series);
  }

  toggleFullScreen(): void {
    // The element is asked, not the picture: the tools belong to the full screen too.
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.page.root.requestFullscreen?.().catch(() => undefined);
  }

  /** The server's picture of what is looked at, as a file whose name says nothing of the person. */
  async savePicture(): Promise<void> {
    const picture = this.stage.picture();
    if (!picture || !this.page.maySave) return;
    try {
      const answer = await ask(`${picture.address}/rendered`, 'image/jpeg');
      const address = URL.createObjectURL(await answer.blob());
      const link = document.createElement('a');
      link.href = address;
      link.download = words.fileName(this.stage.at + 1);
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      this.say(words.saved);
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      this.say(words.saveFailed);
    }
  }
}
