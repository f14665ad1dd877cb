/**
 * The picture on the screen: which series, which picture of it, and who draws it. A picture is drawn by
 * the picture library where it can be, else shown as the server's JPEG, else named in a sentence.
 */

import { Album, KEPT_JPEGS } from './album';
import { Loading } from './loading';
import { type Place, picturesOnceOnline, quickPlace, within } from './opening';
import { middleOf, octetsOf, type Picture, quickOf } from './pictures';
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
  /** Pictures on each side that are worth having beforehand at most. */
  readonly most: number;
  /** Is the code that draws still on its way? */
  isComing(): boolean;
}

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
  /** The picture that the quick view shows. */
  private first = 0;
  /** Where to be once the pictures are known; what a person does while the group opens is added to it. */
  private place: Place = middleOf;

  constructor(
    private readonly simple: HTMLImageElement,
    private readonly sharp: HTMLElement,
    private readonly means: Means,
    private readonly happenings: Happenings,
  ) {
    this.rendered = new RenderedSurface(simple);
  }

  /** After this a picture of `series` is looked at. What was under way for another is broken off. */
  async open(series: Series, place: Place = quickPlace(series)): Promise<void> {
    this.leave();
    this.series = series;
    this.place = place;
    this.at = this.first = series.marked ? 0 : series.count >> 1;
    const { signal } = (this.opening = new AbortController());
    void this.showQuick(series, signal);
    const pictures = await picturesOnceOnline(series, signal, { ...this.happenings, failed: (why) => this.say(why.altered ? words.altered : words.groupFailed) });
    if (!pictures) return;
    this.pictures = pictures;
    if (!pictures.length) return this.say(words.noPictures);
    this.first = quickPlace(series)(pictures);
    this.at = within(pictures, this.place(pictures));
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

  /** After this picture `at` is looked at, or will be once the group has opened. */
  show(at: number): void {
    const isLast = at >= this.count() - 1;
    if (this.isOpening()) return this.expect((pictures) => (isLast ? pictures.length - 1 : at), at);
    const to = within(this.pictures, at);
    if (to === this.at || !this.pictures.length) return;
    this.at = to;
    this.sentence = '';
    if (this.loading) this.loading.lookAt(to);
    else this.start();
    this.draw();
  }

  /** After this the picture `by` further on is looked at, or will be once the group has opened. */
  step(by: number): void {
    const { place } = this;
    if (this.isOpening()) this.expect((pictures) => within(pictures, place(pictures)) + by, this.at + by);
    else this.show(this.at + by);
  }

  /** How many pictures there are: what the page says, until the group has opened. */
  count(): number {
    return this.isOpening() ? (this.series?.count ?? 0) : this.pictures.length;
  }

  /** Has nobody gone anywhere since the group was opened? */
  isUntouched(): boolean {
    return this.at === this.first;
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

  private isOpening(): boolean {
    return !this.pictures.length && !this.sentence;
  }

  private expect(place: Place, about: number): void {
    this.place = place;
    this.at = Math.max(0, Math.min(this.count() - 1, about));
    this.waiting();
  }

  /** Another group's picture never stands under this group's name: nothing is seen until the quick view is there. */
  private async showQuick(series: Series, signal: AbortSignal): Promise<void> {
    const address = quickOf(series);
    this.rendered.reset();
    if (this.simple.getAttribute('src') === address) return this.reveal('rendered', 'quick');
    this.reveal('nothing', 'loading');
    const isThere = await this.rendered.show(address);
    if (isThere && !signal.aborted && this.quality === 'loading' && this.at === this.first) this.reveal('rendered', 'quick');
  }

  private start(): void {
    this.loading?.stop();
    this.loading = undefined;
    const { pictures } = this;
    this.native?.know(pictures);
    // The quick view shows this picture already, and the line is for the code that draws it sharp.
    if (this.means.isComing() && this.at === this.first) return;
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
    const fitting = Math.floor((this.means.memory() * 0.8) / octetsOf(this.picture() as Picture) / 2);
    return Math.max(2, Math.min(fitting, this.means.most));
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
    const { signal } = this.opening;
    const picture = this.picture();
    const state = picture && this.album.state(picture);
    if (!picture || !state || !this.isReady(this.at)) return this.waiting();
    if (state.by === 'words') return this.say(state.sentence);
    const isDrawn = await (state.by === 'rendered' ? this.rendered.show(state.address) : this.drawNatively(picture));
    // Another group may have been opened while this one was drawn.
    if (signal.aborted) return;
    if (isDrawn) this.reveal(state.by, state.by === 'rendered' ? 'simple' : picture.lossy ? 'lossy' : 'full');
    else if (this.picture() === picture) this.withoutDrawing(picture, state.by);
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

  private withoutDrawing(picture: Picture, by: 'native' | 'rendered'): void {
    if (by === 'rendered') return this.say(words.broken(this.at + 1));
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
