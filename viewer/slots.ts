/** Six requests for pictures at once, however many series are looked at beside each other. */

export const AT_ONCE = 6;

export class Slots {
  private taken = 0;
  private readonly fills = new Set<() => void>();

  /** False when all are taken; then `fill` of `share` is called once one is free. */
  take(): boolean {
    if (this.taken >= AT_ONCE) return false;
    this.taken += 1;
    return true;
  }

  give(): void {
    this.taken -= 1;
    for (const fill of [...this.fills]) fill();
  }

  /** After this `fill` is called whenever a slot is free; the answer ends it. */
  share(fill: () => void): () => void {
    this.fills.add(fill);
    return () => this.fills.delete(fill);
  }
}
