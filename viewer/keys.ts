/** The keys, which act only while the picture has the focus. */

import type { Actions } from './actions';
import type { Layout, Panes } from './panes';

export interface MoreActions {
  report(): void;
  tags(): void;
  keys(): void;
}

type Deed = () => void;

const TEN = 10;
const LAYOUTS = /^[124]$/;
const ESC_TWICE_MILLISECONDS = 600;
const WINDOW_POINTS = 8;
const NUDGE = 4;

export class Keys {
  /** Is the space bar down, and has it been used for dragging? */
  private space: 'up' | 'down' | 'dragged' = 'up';
  private lastEsc = 0;

  constructor(
    area: HTMLElement,
    private readonly panes: Panes,
    private readonly actions: Actions,
    private readonly more: MoreActions,
  ) {
    area.addEventListener('keydown', (event) => this.down(event));
    area.addEventListener('keyup', (event) => this.up(event));
    area.addEventListener('focusout', () => {
      this.space = 'up';
    });
  }

  spaceHeld(): boolean {
    if (this.space === 'up') return false;
    this.space = 'dragged';
    return true;
  }

  private down(event: KeyboardEvent): void {
    if (!(event.target as HTMLElement).matches('.v-picture')) return;
    if (event.ctrlKey && !event.altKey && LAYOUTS.test(event.key) && this.actions.isClinician()) {
      event.preventDefault();
      return this.actions.layout(Number(event.key) as Layout);
    }
    if (event.ctrlKey || event.metaKey) return;
    const deed = this.deedFor(event);
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  private up(event: KeyboardEvent): void {
    if (event.key !== ' ') return;
    if (this.space === 'down') this.actions.togglePlay();
    this.space = 'up';
  }

  private deedFor(event: KeyboardEvent): Deed | undefined {
    const { actions } = this;
    if (event.altKey) return /^Digit[1-9]$/.test(event.code) ? () => actions.lookNumber(Number(event.code.at(-1))) : undefined;
    if (event.key.startsWith('Arrow')) return this.arrow(event);
    const fixed: Record<string, Deed> = {
      PageUp: () => actions.step(-TEN),
      PageDown: () => actions.step(TEN),
      Home: () => actions.show(0),
      End: () => actions.show(this.panes.count() - 1),
      ' ': () => (this.space = this.space === 'up' ? 'down' : this.space),
      Escape: () => this.escape(),
      Enter: () => actions.placeMeasurement(),
      Delete: () => actions.isClinician() && actions.removeMeasurement(),
    };
    if (event.key === 'Tab') return this.placing() ? () => this.measuring()?.nextEnd() : undefined;
    return fixed[event.key] ?? (actions.lettersOn ? this.letter(event) : undefined);
  }

  private letter(event: KeyboardEvent): Deed | undefined {
    const { actions } = this;
    const key = event.key.length === 1 ? event.key.toLowerCase() : '';
    if (key === 'r' && event.shiftKey) return () => actions.startOver();
    const everyone: Record<string, Deed> = {
      ',': () => actions.slower(),
      '.': () => actions.faster(),
      '+': () => actions.zoomIn(),
      '=': () => actions.zoomIn(),
      '-': () => actions.zoomOut(),
      '0': () => actions.fit(),
      '[': () => actions.otherGroup(-1),
      ']': () => actions.otherGroup(1),
      w: () => actions.toggleWindowKeys(),
      f: () => actions.toggleFullScreen(),
      s: () => void actions.savePicture('jpg'),
      q: () => this.more.report(),
      k: () => actions.toggleMarked(),
      p: () => actions.compare(),
      '?': () => this.more.keys(),
    };
    const clinicians: Record<string, Deed> = {
      '1': () => actions.oneToOne(),
      i: () => actions.invert(),
      r: () => actions.rotate(),
      h: () => actions.flip('horizontal'),
      v: () => actions.flip('vertical'),
      l: () => actions.measure('Length'),
      a: () => actions.measure('Angle'),
      e: () => actions.measure('EllipticalROI'),
      t: () => actions.measure('ArrowAnnotate'),
      x: () => actions.toggleLink(),
      c: () => actions.toggleScouts(),
      m: () => actions.togglePlanes(),
      o: () => actions.toggleCorners(),
      d: () => this.more.tags(),
    };
    return everyone[key] ?? (actions.isClinician() ? clinicians[key] : undefined);
  }

  private arrow(event: KeyboardEvent): Deed {
    const { actions } = this;
    const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] as [number, number];
    if (this.placing()) return () => this.measuring()?.move(right * NUDGE, down * NUDGE, event.shiftKey ? 'whole' : 'end');
    if (event.shiftKey) return () => actions.pan(right, down);
    if (actions.windowKeys) return () => actions.windowBy(right * WINDOW_POINTS, down * WINDOW_POINTS);
    return () => actions.step(right + down);
  }

  private escape(): void {
    const { actions } = this;
    if (this.placing()) return this.measuring()?.endPlacing();
    const held = actions.held();
    if (held) return actions.measure(held);
    if (actions.windowKeys) return actions.toggleWindowKeys();
    const now = performance.now();
    if (now - this.lastEsc < ESC_TWICE_MILLISECONDS) actions.startOver();
    this.lastEsc = now;
  }

  private measuring() {
    return this.panes.native()?.measuring;
  }

  private placing(): boolean {
    return this.measuring()?.placing() ?? false;
  }
}
