/**
 * Getting the pictures of a series: the one looked at first, then its neighbours outward, never more
 * than six at once, and again after the line was down.
 */

import { Refused, wait } from './asking';
import type { Slots } from './slots';

const BACKOFF_MILLISECONDS = [1000, 2000, 4000, 8000, 15000];

export interface Source {
  readonly count: number;
  /** How many pictures on each side are worth having beforehand; memory sets it. */
  readonly reach: number;
  readonly slots: Slots;
  isReady(at: number): boolean;
  /** After this the picture is ready, or known as one that cannot be shown. Raises `Refused` for trouble with the line. */
  load(at: number, signal: AbortSignal): Promise<void>;
}

export interface Listener {
  arrived(at: number): void;
  offline(isOffline: boolean): void;
  ended(): void;
}

export class Loading {
  private readonly stopped = new AbortController();
  private readonly underWay = new Set<number>();
  private readonly leave: () => void;
  private center = 0;
  private ahead = false;
  private hasFirst = false;
  private pause: Promise<void> | undefined;
  private failures = 0;

  constructor(
    private readonly source: Source,
    private readonly listener: Listener,
  ) {
    this.leave = source.slots.share(() => this.fill());
  }

  /** After this `at` is fetched next, then what lies around it. */
  lookAt(at: number): void {
    this.center = at;
    this.fill();
  }

  /** After this what comes next in playing is fetched first, or again what lies around. */
  play(isPlaying: boolean): void {
    this.ahead = isPlaying;
    this.fill();
  }

  /** After this nothing more is asked for and what was under way is broken off. */
  stop(): void {
    this.stopped.abort();
    this.leave();
  }

  private fill(): void {
    while (!this.stopped.signal.aborted && !this.pause) {
      // The picture looked at has the line for itself; its neighbours would make it come later.
      if (!this.hasFirst && this.underWay.size) return;
      const next = this.next();
      if (next === undefined || !this.source.slots.take()) return;
      void this.fetch(next);
    }
  }

  private next(): number | undefined {
    const { count, reach } = this.source;
    if (this.ahead) {
      // In a loop every picture lies ahead; memory holds so many of them.
      for (let away = 0; away < Math.min(count, 2 * reach + 1); away += 1) {
        const at = (this.center + away) % count;
        if (this.isWanted(at)) return at;
      }
      return undefined;
    }
    for (let away = 0; away <= reach; away += 1) {
      for (const at of away ? [this.center + away, this.center - away] : [this.center]) if (this.isWanted(at)) return at;
    }
    return undefined;
  }

  private isWanted(at: number): boolean {
    return at >= 0 && at < this.source.count && !this.underWay.has(at) && !this.source.isReady(at);
  }

  private async fetch(at: number): Promise<void> {
    this.underWay.add(at);
    const began = performance.now();
    try {
      await this.source.load(at, this.stopped.signal);
      this.source.slots.took(performance.now() - began);
      this.hasFirst = true;
      this.failures = 0;
      this.listener.offline(false);
    } catch (problem) {
      if (!this.stopped.signal.aborted) this.bear(problem);
    } finally {
      this.underWay.delete(at);
      this.source.slots.give();
    }
    if (this.stopped.signal.aborted) return;
    if (this.source.isReady(at)) this.listener.arrived(at);
    this.fill();
  }

  /** Decides what trouble with the line means: the end, or a pause. */
  private bear(problem: unknown): void {
    if (!(problem instanceof Refused)) throw problem;
    if (problem.ended) {
      this.stop();
      this.listener.ended();
      return;
    }
    if (problem.offline) this.listener.offline(true);
    this.pause ??= this.restUntilNextTry();
  }

  private async restUntilNextTry(): Promise<void> {
    const rest = BACKOFF_MILLISECONDS[Math.min(this.failures, BACKOFF_MILLISECONDS.length - 1)] ?? 1000;
    this.failures += 1;
    const back = new Promise<void>((done) => window.addEventListener('online', () => done(), { once: true }));
    await Promise.race([wait(rest), back]);
    this.pause = undefined;
    this.fill();
  }
}
