/** What can be done to the picture on the screen, whoever draws it. */

import type { Picture, Vector } from './pictures';

export type Point = [number, number];

/** The greys between which a picture goes from black to white. */
export interface Window {
  center: number;
  width: number;
}

export interface Surface {
  readonly element: HTMLElement;
  zoom(): number;
  /** Bigger or smaller around `at`, in screen points from the middle of the surface. */
  zoomBy(factor: number, at?: Point): void;
  panBy(right: number, down: number): void;
  fit(): void;
  oneToOne(): void;
  /** After this the picture stands as it came. */
  reset(): void;
  rotate(): void;
  flip(which: 'horizontal' | 'vertical'): void;
  invert(): void;
  /** Does a higher value look darker? */
  inverted(): boolean;
  window(): Window;
  setWindow(window: Window): void;
  /** The window the picture came with. */
  ownWindow(): Window;
  /** Where screen-right and screen-down lead in the picture, as steps along [columns, rows]. */
  axes(): { right: Point; down: Point };
}

/** The memory that all surfaces share. */
export interface Shelf {
  /** After this these pictures can be loaded. */
  know(pictures: readonly Picture[]): void;
  has(picture: Picture): boolean;
  /** Raises `Refused` for the line and `Undecodable` for the picture. */
  load(picture: Picture, signal: AbortSignal): Promise<void>;
}

/** A surface that can show pictures it has loaded. */
export interface NativeSurface extends Surface, Shelf {
  /** `at` is the one to begin with; it must be loaded. */
  open(pictures: readonly Picture[], at: number): Promise<boolean>;
  /** Shows a loaded picture; false when the screen stays empty although the picture is not. */
  show(picture: Picture): Promise<boolean>;
  /** The lowest and highest value of a loaded picture. */
  range(picture: Picture): [number, number];
  /** Where a place in the patient, in millimetres, lies on the surface, in screen points from its corner. */
  toScreen(place: Vector): Point;
  toPatient(point: Point): Vector;
  close(): void;
  measuring: Measuring;
}

/** A slice cut through all pictures of a series at once. */
export interface PlaneSurface extends Surface {
  readonly plane: 'axial' | 'coronal' | 'sagittal';
  at(): number;
  count(): number;
  show(at: number): void;
  /** After this the slice goes through `place`. */
  goTo(place: Vector): void;
  /** The directions in the patient that lead right and down on the screen. */
  directions(): { right: Vector; down: Vector };
  /** After this the brightest of so many millimetres is shown; 0 is the slice alone. */
  thicken(millimetres: number): void;
  toScreen(place: Vector): Point;
  toPatient(point: Point): Vector;
}

export interface Planes {
  readonly surfaces: readonly PlaneSurface[];
  close(): void;
}

/** Whoever draws: makes a surface for each place on the screen, over one memory. */
export interface Drawing extends Shelf {
  /** What all loaded pictures take. */
  octets(): number;
  drop(picture: Picture): void;
  readonly measuring: Measuring;
  surface(element: HTMLDivElement): NativeSurface;
  /** Three planes through loaded pictures that lie behind each other. Raises when the graphics card cannot. */
  planes(elements: readonly HTMLDivElement[], pictures: readonly Picture[], window: Window): Promise<Planes>;
  /** The longest side of a volume that the graphics card takes, in picture points. */
  longestVolume(): number;
  /** After this every surface fits its element. */
  resize(): void;
  close(): void;
}

export type MeasureTool = 'Length' | 'Angle' | 'EllipticalROI' | 'ArrowAnnotate';

export interface Measuring {
  /** After this the arrow keys measure on this surface. */
  on(surface: NativeSurface): void;
  /** The tool the pointer holds now. */
  current(): MeasureTool | undefined;
  take(tool: MeasureTool | undefined): void;
  /** Puts a measurement in the middle and hands its first end to the arrow keys. */
  place(tool: MeasureTool): void;
  /** After this a length begins at `at`, screen points from the surface's corner, and ends where `drawTo` leads. */
  drawFrom(at: Point): void;
  drawTo(at: Point): void;
  /** A length that leads nowhere becomes an arrow, whose words are asked for. */
  endDrawing(): void;
  placing(): boolean;
  /** Moves the held end, or the whole measurement. */
  move(right: number, down: number, whole: 'end' | 'whole'): void;
  nextEnd(): void;
  endPlacing(): void;
  /** False when there is none. */
  removeLast(): boolean;
  onMeasured(tell: (what: string) => void): void;
}

export class Undecodable extends Error {}
