/** Six requests for pictures at once, however many series are looked at beside each other. */

export const AT_ONCE = 6;
/** How much the newest answer weighs in what an answer takes. */
const NEWEST = 0.2;

/** Who asks only while nobody else does, and breaks off as soon as somebody does. */
export interface Later {
  fill(): void;
  giveWay(): void;
}

export class Slots {
  private taken = 0;
  private later: Later | undefined;
  private meanMilliseconds = 0;
  private readonly fills = new Set<() => void>();

  /** False when all are taken; then `fill` of `share` is called once one is free. */
  take(): boolean {
    this.later?.giveWay();
    if (this.taken >= AT_ONCE) return false;
    this.taken += 1;
    return true;
  }

  give(): void {
    this.taken -= 1;
    for (const fill of [...this.fills]) fill();
    if (!this.taken) this.later?.fill();
  }

  /** After this `fill` is called whenever a slot is free; the answer ends it. */
  share(fill: () => void): () => void {
    this.fills.add(fill);
    return () => this.fills.delete(fill);
  }

  /** After this `later` has all slots while nobody else needs one. */
  lend(later: Later): void {
    this.later = later;
    if (!this.taken) later.fill();
  }

  took(milliseconds: number): void {
    this.meanMilliseconds += (milliseconds - this.meanMilliseconds) * (this.meanMilliseconds ? NEWEST : 1);
  }

  /** What a picture takes of late, in milliseconds; 0 before the first. */
  pace(): number {
    return this.meanMilliseconds;
  }
}
