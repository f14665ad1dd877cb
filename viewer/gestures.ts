/** Mouse, wheel and fingers on the picture. Everything here also has a button or a key. */

import type { Point } from './surface';

export interface Hands {
  /** One picture on (1) or back (-1). */
  step(by: number): void;
  zoomBy(factor: number, at: Point): void;
  panBy(right: number, down: number): void;
  windowBy(right: number, down: number): void;
  startOver(): void;
  fullScreen(): void;
  /** A place was pressed without dragging, in screen points from the picture's corner. */
  pressed(at: Point): void;
  zoomed(): boolean;
  /** A finger rested at `at`; true when what it does from now on is measuring. */
  rested(at: Point): boolean;
  /** The resting finger went on to `at`. */
  drew(at: Point): void;
  /** The resting finger was lifted. */
  lifted(): void;
  /** What the main button and one finger do when no measuring tool is held. */
  mainDrag(pointer: string): 'window' | 'pan' | 'step' | 'none';
  /** Is the space bar held down, so that dragging moves the picture? */
  spaceHeld(): boolean;
}

type Drag = 'window' | 'pan' | 'step' | 'zoom' | 'draw' | 'none';

const POINTS_A_STEP = 14;
const WHEEL_A_STEP = 40;
const DOUBLE_TAP_MILLISECONDS = 300;
const TAP_POINTS = 12;
const PRESS_POINTS = 3;
const REST_MILLISECONDS = 500;

export class Gestures {
  private readonly fingers = new Map<number, Point>();
  private drag: Drag = 'none';
  private carried = 0;
  private turned = 0;
  private lastTap = 0;
  private moved = 0;
  private most = 0;
  private resting = 0;

  constructor(
    private readonly area: HTMLElement,
    private readonly hands: Hands,
  ) {
    area.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    area.addEventListener('pointerdown', (event) => this.down(event));
    area.addEventListener('pointermove', (event) => this.move(event));
    area.addEventListener('pointerup', (event) => this.up(event));
    area.addEventListener('pointercancel', (event) => this.up(event));
    area.addEventListener('dblclick', (event) => hands.mainDrag('mouse') !== 'none' && event.isTrusted && this.lastTap === 0 && hands.fullScreen());
    area.addEventListener('contextmenu', (event) => event.preventDefault());
    area.addEventListener('dragstart', (event) => event.preventDefault());
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey) return this.hands.zoomBy(Math.exp(-event.deltaY / 300), this.fromMiddle(event));
    // Lines and pages are counted as steps; points are gathered, since touch pads send many small ones.
    if (event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL) return this.hands.step(Math.sign(event.deltaY));
    this.turned += event.deltaY;
    const steps = Math.trunc(this.turned / WHEEL_A_STEP);
    if (!steps) return;
    this.turned = 0;
    this.hands.step(Math.sign(steps));
  }

  private down(event: PointerEvent): void {
    this.area.focus({ preventScroll: true });
    if (event.pointerType === 'mouse') {
      this.drag = this.dragOfButton(event);
    } else {
      this.drag = this.hands.mainDrag(event.pointerType);
    }
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.most = Math.max(this.most, this.fingers.size);
    this.carried = 0;
    if (this.fingers.size === 1) this.moved = 0;
    if (this.drag !== 'none' || this.fingers.size > 1) this.area.setPointerCapture(event.pointerId);
    this.watchForRest(event);
  }

  /** A finger that stays where it was put has something else in mind than scrolling. */
  private watchForRest(event: PointerEvent): void {
    window.clearTimeout(this.resting);
    if (event.pointerType === 'mouse' || this.fingers.size > 1 || this.drag === 'none') return;
    const at = this.inArea(event);
    this.resting = window.setTimeout(() => {
      if (this.hands.rested(at)) this.drag = 'draw';
    }, REST_MILLISECONDS);
  }

  private dragOfButton(event: PointerEvent): Drag {
    if (event.button === 2) return 'zoom';
    if (event.button === 1) return 'pan';
    return this.hands.spaceHeld() ? 'pan' : this.hands.mainDrag('mouse');
  }

  private move(event: PointerEvent): void {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now: Point = [event.clientX, event.clientY];
    const [right, down] = [now[0] - before[0], now[1] - before[1]];
    this.moved += Math.abs(right) + Math.abs(down);
    if (this.moved > TAP_POINTS) window.clearTimeout(this.resting);
    if (this.fingers.size === 2 && this.drag !== 'draw') this.pinch(event.pointerId, before, now);
    else if (this.fingers.size >= 3) this.hands.windowBy(right / this.fingers.size, down / this.fingers.size);
    else this.carry(right, down, event);
    this.fingers.set(event.pointerId, now);
  }

  private carry(right: number, down: number, event: PointerEvent): void {
    if (this.drag === 'draw') return this.hands.drew(this.inArea(event));
    if (this.most > 1) return; // the last finger of a pinch must not leap
    if (this.drag === 'window') this.hands.windowBy(right, down);
    if (this.drag === 'pan') this.hands.panBy(right, down);
    if (this.drag === 'zoom') this.hands.zoomBy(Math.exp(-down / 150), [0, 0]);
    if (this.drag !== 'step') return;
    this.carried += event.pointerType === 'mouse' ? down : -down;
    const steps = Math.trunc(this.carried / POINTS_A_STEP);
    this.carried -= steps * POINTS_A_STEP;
    for (let at = 0; at < Math.abs(steps); at += 1) this.hands.step(Math.sign(steps));
  }

  private pinch(id: number, before: Point, now: Point): void {
    const other = [...this.fingers].find(([finger]) => finger !== id)?.[1];
    if (!other) return;
    const apart = (a: Point) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    const box = this.area.getBoundingClientRect();
    const middle: Point = [(now[0] + other[0]) / 2 - box.left - box.width / 2, (now[1] + other[1]) / 2 - box.top - box.height / 2];
    this.hands.zoomBy(apart(now) / apart(before), middle);
    this.hands.panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.fingers.size) return;
    window.clearTimeout(this.resting);
    const hasDrawn = this.drag === 'draw';
    this.drag = 'none';
    if (hasDrawn) {
      this.most = 0;
      return this.hands.lifted();
    }
    if (event.type === 'pointerup' && event.button === 0 && this.most <= 1 && this.moved <= PRESS_POINTS) this.press(event);
    if (event.pointerType !== 'mouse' && event.type === 'pointerup' && this.most === 1) this.tap(event.timeStamp);
    this.most = 0;
  }

  private press(event: PointerEvent): void {
    this.hands.pressed(this.inArea(event));
  }

  private tap(at: number): void {
    if (this.moved > TAP_POINTS) return;
    if (at - this.lastTap < DOUBLE_TAP_MILLISECONDS) this.hands.startOver();
    this.lastTap = at;
  }

  private inArea(event: MouseEvent): Point {
    const box = this.area.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private fromMiddle(event: MouseEvent): Point {
    const box = this.area.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }
}
