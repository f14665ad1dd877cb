/** Length, angle and area on the picture, by pointer and by keys. Nothing of it is saved to the record. */

import { eventTarget, type Types } from '@cornerstonejs/core';
import { addTool, AngleTool, annotation, ArrowAnnotateTool, EllipticalROITool, Enums, LengthTool, ToolGroupManager, type Types as ToolTypes } from '@cornerstonejs/tools';
import { askNote } from './dialogs';
import type { Measuring, MeasureTool, NativeSurface, Point } from './surface';

const TOOLS = [LengthTool, AngleTool, EllipticalROITool, ArrowAnnotateTool];
const GROUP = 'measuring';
const DRAWN_MILLISECONDS = 60;
const RELATIVE_SIZE = 0.15;
/** Screen points below which a finger that drew meant the place alone. */
const TOO_SHORT = 10;
const ARROW = 60;

const LOOK = {
  color: '#ffe08a',
  colorHighlighted: '#7fd8e8',
  colorSelected: '#ffe08a',
  lineWidth: '2',
  textBoxColor: '#ffe08a',
  textBoxColorHighlighted: '#7fd8e8',
  textBoxColorSelected: '#ffe08a',
  textBoxBackground: 'rgba(0, 0, 0, 0.65)',
  textBoxFontFamily: 'Atkinson Hyperlegible Next, Segoe UI, Arial, sans-serif',
  textBoxFontSize: '16px',
  textBoxLinkLineColor: '#ffe08a',
};

interface Stats {
  length?: number;
  angle?: number;
  area?: number;
  areaUnit?: string;
  mean?: number;
  modalityUnit?: string;
  unit?: string;
}

type Noted = (note: string | undefined) => void;

export class Measurements implements Measuring {
  private held: MeasureTool | undefined;
  private group: ToolTypes.IToolGroup;
  private placed: ToolTypes.Annotation | undefined;
  private end = 0;
  private drawnFrom: Point = [0, 0];
  private telling = 0;
  private tell: (what: string) => void = () => undefined;

  private readonly viewports = new Map<string, Types.IStackViewport>();
  private readonly surfaces = new Map<NativeSurface, Types.IStackViewport>();
  private now: Types.IStackViewport | undefined;

  constructor(private readonly engine: string) {
    const group = ToolGroupManager.createToolGroup(GROUP);
    if (!group) throw new Error('measuring was started twice');
    this.group = group;
    for (const tool of TOOLS) {
      addTool(tool);
      group.addTool(tool.toolName, tool === ArrowAnnotateTool ? { getTextCallback: askNote, changeTextCallback: (_: unknown, __: unknown, done: Noted) => askNote(done) } : {});
      group.setToolEnabled(tool.toolName);
    }
    const { style } = annotation.config;
    const standard = style.getDefaultToolStyles();
    style.setDefaultToolStyles({ ...standard, global: { ...standard.global, ...LOOK } });
    for (const name of [Enums.Events.ANNOTATION_COMPLETED, Enums.Events.ANNOTATION_MODIFIED]) {
      eventTarget.addEventListener(name, (event: Event) => this.measured((event as CustomEvent<{ annotation: ToolTypes.Annotation }>).detail.annotation));
    }
  }

  join(viewportId: string, surface: NativeSurface, viewport: Types.IStackViewport): void {
    this.group.addViewport(viewportId, this.engine);
    this.viewports.set(viewportId, viewport);
    this.surfaces.set(surface, viewport);
    this.now ??= viewport;
  }

  leave(viewportId: string): void {
    this.group.removeViewports(this.engine, viewportId);
    const gone = this.viewports.get(viewportId);
    this.viewports.delete(viewportId);
    for (const [surface, viewport] of this.surfaces) if (viewport === gone) this.surfaces.delete(surface);
    if (this.now === gone) this.now = [...this.viewports.values()][0];
  }

  on(surface: NativeSurface): void {
    this.now = this.surfaces.get(surface) ?? this.now;
  }

  current(): MeasureTool | undefined {
    return this.held;
  }

  take(tool: MeasureTool | undefined): void {
    if (this.held) this.group.setToolEnabled(this.held);
    this.endPlacing();
    this.held = tool;
    if (tool) this.group.setToolActive(tool, { bindings: [{ mouseButton: Enums.MouseBindings.Primary }, { numTouchPoints: 1 }] });
  }

  onMeasured(tell: (what: string) => void): void {
    this.tell = tell;
  }

  place(tool: MeasureTool): void {
    const viewport = this.now;
    if (!viewport) return;
    const { clientWidth, clientHeight } = viewport.element;
    const [x, y] = [clientWidth / 2, clientHeight / 2];
    const size = Math.min(clientWidth, clientHeight) * RELATIVE_SIZE;
    const shapes: Record<MeasureTool, Types.Point2[]> = {
      Length: [[x - size, y], [x + size, y]],
      Angle: [[x - size, y - size], [x - size, y + size], [x + size, y + size]],
      ArrowAnnotate: arrowTo([x, y], size),
      EllipticalROI: [[x, y + size], [x, y - size], [x - size, y], [x + size, y]],
    };
    const points = shapes[tool].map((point) => viewport.canvasToWorld(point));
    this.placed = this.made(() => {
      if (tool === 'Length') LengthTool.hydrate(viewport.id, points);
      if (tool === 'Angle') AngleTool.hydrate(viewport.id, points);
      if (tool === 'EllipticalROI') EllipticalROITool.hydrate(viewport.id, points);
      if (tool === 'ArrowAnnotate') ArrowAnnotateTool.hydrate(viewport.id, points, '', {});
    });
    this.end = 0;
    this.redraw();
  }

  drawFrom(at: Point): void {
    this.endPlacing();
    this.drawnFrom = at;
  }

  drawTo(at: Point): void {
    const viewport = this.now;
    if (!viewport) return;
    if (!this.placed && distance(this.drawnFrom, at) <= TOO_SHORT) return;
    const ends = [this.drawnFrom, at].map((point) => viewport.canvasToWorld(point));
    this.placed ??= this.made(() => LengthTool.hydrate(viewport.id, ends));
    const points = this.placed?.data.handles?.points;
    if (points) points[1] = ends[1] as Types.Point3;
    this.redraw();
  }

  endDrawing(): void {
    const { placed, drawnFrom, now: viewport } = this;
    this.endPlacing();
    if (placed || !viewport) return;
    askNote((note) => {
      ArrowAnnotateTool.hydrate(viewport.id, arrowTo(drawnFrom).map((point) => viewport.canvasToWorld(point)), note ?? '', {});
      this.render();
    });
  }

  placing(): boolean {
    return this.placed !== undefined;
  }

  move(right: number, down: number, whole: 'end' | 'whole'): void {
    const points = this.placed?.data.handles?.points;
    const viewport = this.now;
    if (!points || !viewport) return;
    // An ellipse is held by four handles that belong together, so it moves as one.
    const moved = whole === 'whole' || points.length === 4 ? points.map((_, at) => at) : [this.end % points.length];
    for (const at of moved) {
      const [x, y] = viewport.worldToCanvas(points[at] as Types.Point3);
      points[at] = viewport.canvasToWorld([x + right, y + down]);
    }
    this.redraw();
  }

  nextEnd(): void {
    this.end += 1;
  }

  endPlacing(): void {
    this.placed = undefined;
  }

  removeLast(): boolean {
    const last = this.all().at(-1);
    if (!last?.annotationUID) return false;
    annotation.state.removeAnnotation(last.annotationUID);
    if (last === this.placed) this.placed = undefined;
    this.render();
    return true;
  }

  /** What `make` added to the measurements. */
  private made(make: () => void): ToolTypes.Annotation | undefined {
    const before = new Set(this.all().map((one) => one.annotationUID));
    make();
    return this.all().find((one) => !before.has(one.annotationUID));
  }

  private all(): ToolTypes.Annotation[] {
    return annotation.state.getAllAnnotations();
  }

  private render(): void {
    for (const viewport of this.viewports.values()) viewport.render();
  }

  private redraw(): void {
    if (!this.placed) return;
    this.placed.invalidated = true;
    this.render();
    this.measured(this.placed);
  }

  private measured(made: ToolTypes.Annotation): void {
    // The values are worked out while the lines are drawn, which is after the event.
    window.clearTimeout(this.telling);
    this.telling = window.setTimeout(() => this.tellOf(made), DRAWN_MILLISECONDS);
  }

  private tellOf(made: ToolTypes.Annotation): void {
    const stats = Object.values((made.data.cachedStats ?? {}) as Record<string, Stats>)[0];
    if (!stats) return;
    const { length, angle, area, mean, unit = '', areaUnit = '', modalityUnit = '' } = stats;
    if (length !== undefined) this.tell(`${length.toFixed(1)} ${unit}`);
    else if (angle !== undefined) this.tell(`${angle.toFixed(1)}°`);
    else if (area !== undefined) this.tell(`${area.toFixed(0)} ${areaUnit}, ${(mean ?? 0).toFixed(0)} ${modalityUnit}`);
  }
}

/** From the place that is meant, away. */
function arrowTo([x, y]: Point, size = ARROW): Types.Point2[] {
  return [[x, y], [x + size, y - size]];
}

function distance([x, y]: Point, [a, b]: Point): number {
  return Math.hypot(a - x, b - y);
}
