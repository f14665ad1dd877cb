/**
 * The picture on the screen: which series, which picture of it, and who draws it. A picture is drawn by
 * the picture library where it can be, else shown as the server's JPEG, else named in a sentence.
 */

import { Album, KEPT_JPEGS } from './album';
import { Refused } from './asking';
import { Loading } from './loading';
import { type Picture, middleOf, picturesOf, quickOf } from './pictures';
import type { Series } from './given';
import { RenderedSurface } from './rendered';
import type { Slots } from './slots';
import type { NativeSurface, Surface } from './surface';
import { words } from './words';

export type Quality = 'loading' | 'quick' | 'full' | 'lossy' | 'simple' | 'none';

const DIM_AFTER_MILLISECONDS = 250;
const REACH_WITHOUT_NATIVE = 2;

export interface Happenings {
  changed(): void;
  offline(isOffline: boolean): void;
  ended(): void;
}

export interface Means {
  readonly slots: Slots;
  /** Octets of pictures that this place may hold. */
  memory(): number;
  /** Is the code that draws still on its way? */
  isComing(): boolean;
}

/** Which picture of a series to begin with; its middle where nothing is said. */
export type Place = (pictures: readonly Picture[]) => number;

export class Stage {
  series: Series | undefined;
  pictures: Picture[] = [];
  at = 0;
  quality: Quality = 'quick';
  /** What stands in place of the picture, when nothing can be shown. */
  sentence = '';

  private readonly rendered: RenderedSurface;
  private native: NativeSurface | undefined;
  private shown: 'native' | 'rendered' | 'nothing' = 'rendered';
  private readonly album = new Album();
  private loading: Loading | undefined;
  private opening = new AbortController();
  private stackOf: Series | undefined;
  private drawing = false;
  private drawAgain = false;
  private dimming = 0;
  private first = 0;

  constructor(
    private readonly simple: HTMLImageElement,
    private readonly sharp: HTMLElement,
    private readonly means: Means,
    private readonly happenings: Happenings,
  ) {
    this.rendered = new RenderedSurface(simple);
  }

  /** After this a picture of `series` is looked at. What was under way for another is broken off. */
  async open(series: Series, place: Place = middleOf): Promise<void> {
    this.leave();
    this.series = series;
    const { signal } = (this.opening = new AbortController());
    this.rendered.reset();
    void this.rendered.show(quickOf(series));
    this.reveal('rendered', 'quick');
    const pictures = await this.picturesWhenOnline(series, signal);
    if (signal.aborted || !pictures) return;
    this.pictures = pictures;
    if (!pictures.length) return this.say(words.noPictures);
    this.at = this.first = Math.max(0, place(pictures));
    this.start();
    this.draw();
  }

  /** After this pictures are drawn by the library wherever it can. */
  adopt(native: NativeSurface): void {
    this.native = native;
    this.album.adopt(native, this.pictures);
    this.stackOf = undefined;
    if (this.pictures.length) {
      this.start();
      this.draw();
    }
  }

  show(at: number): void {
    const to = Math.max(0, Math.min(this.pictures.length - 1, at));
    if (to === this.at || !this.pictures.length) return;
    this.at = to;
    this.sentence = '';
    if (this.loading) this.loading.lookAt(to);
    else this.start();
    this.draw();
  }

  isReady(at: number): boolean {
    const picture = this.pictures[at];
    return picture !== undefined && this.album.has(picture);
  }

  picture(): Picture | undefined {
    return this.pictures[this.at];
  }

  surface(): Surface {
    return this.shown === 'native' && this.native ? this.native : this.rendered;
  }

  /** The drawing library's surface, while it is the one on the screen. */
  nativeShown(): NativeSurface | undefined {
    return this.shown === 'native' ? this.native : undefined;
  }

  /** How many of the pictures are there. */
  readyCount(): number {
    return this.pictures.reduce((count, _, at) => count + (this.isReady(at) ? 1 : 0), 0);
  }

  /** After this pictures are fetched in the order of playing, or outward from the one looked at. */
  playing(isPlaying: boolean): void {
    this.loading?.play(isPlaying);
  }

  /** After a change of what this place may hold, or of who draws. */
  refit(): void {
    if (this.pictures.length) this.start();
  }

  /** After this the screen and the memory hold no picture. */
  close(): void {
    this.leave();
    this.native?.close();
    this.native = undefined;
    this.simple.removeAttribute('src');
    this.sharp.replaceChildren();
  }

  private leave(): void {
    this.opening.abort();
    this.loading?.stop();
    this.happenings.offline(false);
    this.album.empty();
    this.pictures = [];
    this.at = 0;
    this.sentence = '';
    this.stackOf = undefined;
  }

  private async picturesWhenOnline(series: Series, signal: AbortSignal): Promise<Picture[] | undefined> {
    try {
      return await picturesOf(series, signal);
    } catch (problem) {
      if (signal.aborted) return undefined;
      if (!(problem instanceof Refused)) throw problem;
      if (problem.ended) this.happenings.ended();
      else if (problem.offline || problem.passing) {
        this.happenings.offline(problem.offline);
        await untilNextTry();
        return signal.aborted ? undefined : this.picturesWhenOnline(series, signal);
      } else this.say(words.groupFailed);
      return undefined;
    }
  }

  private start(): void {
    this.loading?.stop();
    this.loading = undefined;
    const { pictures } = this;
    this.native?.know(pictures);
    // The quick view shows this picture already, and the line is for the code that draws it sharp.
    if (this.means.isComing() && this.quality === 'quick' && this.at === this.first) return;
    this.loading = new Loading(
      { count: pictures.length, reach: this.reach(), slots: this.means.slots, isReady: (at) => this.isReady(at), load: (at, signal) => this.album.load(pictures[at] as Picture, at + 1, signal) },
      { offline: (is) => this.happenings.offline(is), ended: () => this.happenings.ended(), arrived: (at) => this.arrived(at) },
    );
    this.loading.lookAt(this.at);
  }

  /** How many pictures on each side fit into the memory we may take. */
  private reach(): number {
    if (!this.native) return this.means.isComing() ? 0 : REACH_WITHOUT_NATIVE;
    if (!this.pictures.some((picture) => picture.native)) return KEPT_JPEGS / 4;
    return Math.max(2, Math.floor((this.means.memory() * 0.8) / octetsOf(this.picture() as Picture) / 2));
  }

  private arrived(at: number): void {
    if (at === this.at) this.draw();
    else this.happenings.changed();
  }

  /** Draws the picture looked at; calls that come while one is drawn become one more drawing. */
  private draw(): void {
    this.drawAgain = true;
    if (!this.drawing) void this.drawUntilStill();
  }

  private async drawUntilStill(): Promise<void> {
    this.drawing = true;
    while (this.drawAgain) {
      this.drawAgain = false;
      await this.drawOnce();
    }
    this.drawing = false;
  }

  private async drawOnce(): Promise<void> {
    const picture = this.picture();
    const state = picture && this.album.state(picture);
    if (!picture || !state || !this.isReady(this.at)) return this.waiting();
    if (state.by === 'words') return this.say(state.sentence);
    if (state.by === 'rendered') {
      if (await this.rendered.show(state.address)) this.reveal('rendered', 'simple');
      else this.say(words.broken(this.at + 1));
      return;
    }
    if (await this.drawNatively(picture)) this.reveal('native', picture.lossy ? 'lossy' : 'full');
    else if (this.series && this.picture() === picture) this.withoutNative(picture);
  }

  private async drawNatively(picture: Picture): Promise<boolean> {
    const native = this.native as NativeSurface;
    try {
      if (this.stackOf === this.series) return await native.show(picture);
      this.stackOf = this.series;
      return await native.open(this.pictures, this.pictures.indexOf(picture));
    } catch {
      return false;
    }
  }

  private withoutNative(picture: Picture): void {
    picture.native = false;
    this.stackOf = undefined;
    this.album.forget(picture);
    this.loading?.lookAt(this.at);
  }

  /** Keeps what is on the screen, and greys it out when the wait is long, so that it is not taken for the next one. */
  private waiting(): void {
    if (this.quality !== 'quick' || this.at !== this.first) this.quality = 'loading';
    window.clearTimeout(this.dimming);
    if (this.quality === 'loading') {
      this.dimming = window.setTimeout(() => this.sharp.parentElement?.classList.add('v-dim'), DIM_AFTER_MILLISECONDS);
    }
    this.happenings.changed();
  }

  private reveal(who: 'native' | 'rendered' | 'nothing', quality: Quality): void {
    window.clearTimeout(this.dimming);
    this.sharp.parentElement?.classList.remove('v-dim');
    this.shown = who;
    this.sharp.classList.toggle('v-unseen', who !== 'native');
    this.simple.hidden = who !== 'rendered';
    this.quality = quality;
    if (who !== 'nothing') this.sentence = '';
    this.happenings.changed();
  }

  private say(sentence: string): void {
    this.sentence = sentence;
    this.reveal('nothing', 'none');
  }
}

/** What one picture takes in memory: a grey value may become a four-octet number when the file scales it. */
export function octetsOf({ instance }: Picture): number {
  const value = (tag: string) => Number(instance[tag]?.Value?.[0] ?? 1);
  return value('00280010') * value('00280011') * Math.max(4, value('00280002'));
}

function untilNextTry(): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, 2000);
    window.addEventListener('online', () => (clearTimeout(timer), done()), { once: true });
  });
}
