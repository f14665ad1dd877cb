/**
 * The other groups of the scan that is looked at, fetched at the very end: while nobody waits for anything, on a
 * line that is quick and costs nothing, and into memory that nobody else needs.
 */

import { Refused } from './asking';
import type { Series } from './given';
import { octetsOf, type Picture, picturesOf } from './pictures';
import { AT_ONCE, type Later, type Slots } from './slots';
import type { Drawing } from './surface';

/** How much of the memory for pictures may be filled beforehand, and from where on what was is dropped. */
const FILLED = 0.5;
const FULL = 0.7;
const QUICK_MILLISECONDS = 1000;

/** What browsers tell of the line, as far as they do (W3C Network Information). */
interface Line {
  readonly saveData?: boolean;
  readonly effectiveType?: string;
  readonly type?: string;
}

export interface Looking {
  /** The group that the tools act on, and all that are on the screen. */
  now(): Series | undefined;
  seen(): ReadonlySet<Series | undefined>;
}

export class Beforehand implements Later {
  private readonly held = new Map<Series, Picture[]>();
  private run: AbortController | undefined;
  private isOver = false;
  private underWay = 0;

  constructor(
    private readonly slots: Slots,
    private readonly drawing: Drawing,
    private readonly looking: Looking,
    private readonly device: { isPhone: boolean; memory: number },
  ) {}

  fill(): void {
    if (this.run || this.isOver || !this.isWelcome()) return;
    const run = (this.run = new AbortController());
    void this.fetchAll(run.signal).finally(() => {
      if (this.run === run) this.run = undefined;
    });
  }

  giveWay(): void {
    this.run?.abort();
    this.run = undefined;
    if (this.drawing.octets() > this.device.memory * FULL) this.drop();
  }

  /** After this nothing more is fetched beforehand. */
  end(): void {
    this.isOver = true;
    this.giveWay();
  }

  private isWelcome(): boolean {
    return !this.device.isPhone && !document.hidden && isFree() && this.slots.pace() < QUICK_MILLISECONDS;
  }

  private async fetchAll(signal: AbortSignal): Promise<void> {
    try {
      for (const series of this.others()) {
        const wanted = (await this.picturesOf(series, signal)).filter((picture) => picture.native && !this.drawing.has(picture));
        await Promise.all(Array.from({ length: AT_ONCE }, () => this.fetchSome(wanted, signal)));
      }
    } catch (problem) {
      // Nobody waits for these pictures; whoever opens the group is told what is wrong with it.
      if (!signal.aborted) this.isOver = problem instanceof Refused;
    }
  }

  private async fetchSome(wanted: Picture[], signal: AbortSignal): Promise<void> {
    for (let picture = wanted.shift(); picture && !signal.aborted && this.hasRoomFor(picture); picture = wanted.shift()) {
      this.underWay += 1;
      try {
        await this.drawing.load(picture, signal);
      } catch (problem) {
        if (signal.aborted || problem instanceof Refused) throw problem;
        picture.native = false;
      } finally {
        this.underWay -= 1;
      }
    }
  }

  /** The groups of the same scan that come after the one looked at, then those before. */
  private others(): Series[] {
    const now = this.looking.now();
    const all = now?.study.series.filter((one) => one.count > 0 && !one.marked) ?? [];
    const at = all.findIndex((one) => one === now);
    const seen = this.looking.seen();
    return [...all.slice(at + 1), ...all.slice(0, at + 1)].filter((one) => !seen.has(one));
  }

  private async picturesOf(series: Series, signal: AbortSignal): Promise<Picture[]> {
    const pictures = this.held.get(series) ?? (await picturesOf(series, signal));
    this.held.set(series, pictures);
    this.drawing.know(pictures);
    return pictures;
  }

  private hasRoomFor(picture: Picture): boolean {
    return this.drawing.octets() + octetsOf(picture) * (this.underWay + 1) <= this.device.memory * FILLED;
  }

  private drop(): void {
    const seen = this.looking.seen();
    for (const [series, pictures] of this.held) if (!seen.has(series)) for (const picture of pictures) this.drawing.drop(picture);
  }
}

/** Is more on this line a matter of indifference? */
function isFree(): boolean {
  const { saveData, effectiveType, type } = (navigator as { connection?: Line }).connection ?? {};
  return !saveData && (effectiveType ?? '4g') === '4g' && type !== 'cellular';
}
