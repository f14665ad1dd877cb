/** Playing the pictures of a series one after the other. Nothing plays by itself. */

import { number } from './dicom';
import type { Stage } from './stage';

export const SPEEDS = { slow: 5, normal: 12, fast: 25 } as const;
export type Speed = keyof typeof SPEEDS;
const FASTEST = 60;

export class Cine {
  /** Pictures a second. */
  rate: number = SPEEDS.normal;
  sweep = false;
  private timer = 0;
  private step = 1;

  constructor(
    private readonly stage: Stage,
    private readonly changed: () => void,
  ) {}

  playing(): boolean {
    return this.timer !== 0;
  }

  toggle(): void {
    if (this.playing()) this.stop();
    else if (this.stage.pictures.length > 1) this.play();
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.changed();
  }

  setRate(rate: number): void {
    this.rate = Math.max(1, Math.min(FASTEST, Math.round(rate)));
    if (this.playing()) this.play();
    else this.changed();
  }

  /** The speed the pictures were taken at, when the file says so; "Normal" means this one. */
  ownRate(): number {
    const instance = this.stage.picture()?.instance;
    const frameTime = instance && number(instance, '00181063');
    const written = instance && (number(instance, '00082144') ?? number(instance, '00180040') ?? (frameTime ? 1000 / frameTime : undefined));
    return written ? Math.max(1, Math.min(FASTEST, Math.round(written))) : SPEEDS.normal;
  }

  private play(): void {
    window.clearInterval(this.timer);
    this.timer = window.setInterval(() => this.turn(), 1000 / this.rate);
    this.changed();
  }

  private turn(): void {
    const { stage } = this;
    const last = stage.pictures.length - 1;
    if (this.sweep && (stage.at + this.step > last || stage.at + this.step < 0)) this.step = -this.step;
    if (!this.sweep) this.step = 1;
    const next = (stage.at + this.step + last + 1) % (last + 1);
    // Waits for a picture that is still on its way: a gap would hide it.
    if (stage.isReady(next)) stage.show(next);
  }
}
