/** Playing the pictures of a series one after the other. Nothing plays by itself. */

import { number } from './dicom';
import type { Panes } from './panes';
import type { Series } from './given';

export const SPEEDS = { slow: 5, normal: 12, fast: 25 } as const;
export type Speed = keyof typeof SPEEDS;
const FASTEST = 60;
const ENOUGH = 15;

export class Cine {
  /** Pictures a second. */
  rate: number = SPEEDS.normal;
  sweep = false;
  private timer = 0;
  private step = 1;
  private rateOf: Series | undefined;
  private started = false;

  constructor(
    private readonly panes: Panes,
    private readonly changed: () => void,
  ) {}

  /** Is it to play, but has too few pictures yet? */
  waiting(): boolean {
    return this.playing() && !this.started;
  }

  playing(): boolean {
    return this.timer !== 0;
  }

  toggle(): void {
    if (this.playing()) this.stop();
    else if (this.panes.count() > 1) this.play();
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.started = false;
    this.panes.stage.playing(false);
    this.changed();
  }

  setRate(rate: number): void {
    this.rate = Math.max(1, Math.min(FASTEST, Math.round(rate)));
    if (this.playing()) this.play();
    else this.changed();
  }

  /** The speed the pictures were taken at, when the file says so; "Normal" means this one. */
  ownRate(): number {
    const instance = this.panes.stage.picture()?.instance;
    const frameTime = instance && number(instance, '00181063');
    const written = instance && (number(instance, '00082144') ?? number(instance, '00180040') ?? (frameTime ? 1000 / frameTime : undefined));
    return written ? Math.max(1, Math.min(FASTEST, Math.round(written))) : SPEEDS.normal;
  }

  /** After this a group that was taken at a speed of its own has that speed, until another is chosen. */
  suit(): void {
    const { stage } = this.panes;
    if (!stage.pictures.length || this.rateOf === stage.series) return;
    this.rateOf = stage.series;
    if (!this.playing()) this.rate = this.ownRate();
  }

  private play(): void {
    window.clearInterval(this.timer);
    this.panes.stage.playing(true);
    this.started ||= this.hasEnough();
    this.timer = window.setInterval(() => this.turn(), 1000 / this.rate);
    this.changed();
  }

  /** Fifteen pictures from here on, or all there are: then it plays without a halt. */
  private hasEnough(): boolean {
    const { stage } = this.panes;
    const count = stage.pictures.length;
    if (this.panes.cutting.isOn()) return true;
    return count > 0 && Array.from({ length: Math.min(count, ENOUGH) }, (_, on) => (stage.at + on) % count).every((at) => stage.isReady(at));
  }

  private turn(): void {
    const { panes } = this;
    if (!this.started) {
      this.started = this.hasEnough();
      return;
    }
    const [at, last] = [panes.at(), panes.count() - 1];
    if (this.sweep && (at + this.step > last || at + this.step < 0)) this.step = -this.step;
    if (!this.sweep) this.step = 1;
    const next = (at + this.step + last + 1) % (last + 1);
    // Waits for a picture that is still on its way: a gap would hide it.
    if (panes.cutting.isOn() || panes.stage.isReady(next)) panes.show(next);
  }
}
