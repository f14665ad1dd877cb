/** Slices of the picture library through a whole series: axial, coronal and sagittal, and the brightest of many. */

import { cache, Enums, type RenderingEngine, setVolumesForViewports, type Types, volumeLoader } from '@cornerstonejs/core';
import { CameraSurface } from './camera';
import { cross } from './geometry';
import type { Vector } from './pictures';
import type { Planes, PlaneSurface, Point, Window } from './surface';

const PLANES = ['axial', 'coronal', 'sagittal'] as const;

let made = 0;

export async function openPlanes(engine: RenderingEngine, elements: readonly HTMLDivElement[], imageIds: string[], window: Window): Promise<Planes> {
  const volumeId = `planes-${(made += 1)}`;
  volumeLoader.createAndCacheVolumeFromImagesSync(volumeId, imageIds);
  const ids = PLANES.map((plane) => `${volumeId}-${plane}`);
  for (const [at, viewportId] of ids.entries()) {
    const element = elements[at] as HTMLDivElement;
    const orientation = PLANES[at] as Enums.OrientationAxis;
    engine.enableElement({ viewportId, type: Enums.ViewportType.ORTHOGRAPHIC, element, defaultOptions: { orientation } });
    element.removeAttribute('tabindex');
  }
  const close = () => {
    for (const viewportId of ids) engine.disableElement(viewportId);
    if (cache.getVolume(volumeId)) cache.removeVolumeLoadObject(volumeId);
  };
  try {
    await setVolumesForViewports(engine, [{ volumeId }], ids);
  } catch (problem) {
    close();
    throw problem;
  }
  const surfaces = PLANES.map((plane, at) => new CutSurface(plane, elements[at] as HTMLDivElement, engine.getViewport(ids[at] as string) as Types.IVolumeViewport, window));
  // The first drawing of a volume can come before its octets are on the graphics card.
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  engine.renderViewports(ids);
  return { surfaces, close };
}

class CutSurface extends CameraSurface<Types.IVolumeViewport> implements PlaneSurface {
  constructor(
    readonly plane: (typeof PLANES)[number],
    element: HTMLDivElement,
    viewport: Types.IVolumeViewport,
    private readonly came: Window,
  ) {
    super(element, viewport);
    this.setWindow(came);
  }

  at(): number {
    return this.viewport.getSliceIndex();
  }

  count(): number {
    return this.viewport.getNumberOfSlices();
  }

  show(at: number): void {
    this.viewport.scroll(Math.max(0, Math.min(this.count() - 1, at)) - this.at());
    this.viewport.render();
  }

  goTo(place: Vector): void {
    const { viewPlaneNormal, focalPoint, position } = this.viewport.getCamera();
    if (!viewPlaneNormal || !focalPoint || !position) return;
    const away = viewPlaneNormal.reduce((sum, part, at) => sum + part * ((place[at] ?? 0) - (focalPoint[at] ?? 0)), 0);
    const moved = (point: Types.Point3) => point.map((part, at) => part + (viewPlaneNormal[at] ?? 0) * away) as Types.Point3;
    this.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
    this.viewport.render();
  }

  thicken(millimetres: number): void {
    if (millimetres) {
      this.viewport.setBlendMode(Enums.BlendModes.MAXIMUM_INTENSITY_BLEND);
      this.viewport.setSlabThickness(millimetres);
    } else {
      this.viewport.setBlendMode(Enums.BlendModes.COMPOSITE);
      this.viewport.resetSlabThickness();
    }
    this.viewport.render();
  }

  directions(): { right: Vector; down: Vector } {
    const { viewUp = [0, -1, 0], viewPlaneNormal = [0, 0, -1] } = this.viewport.getCamera();
    const down = viewUp.map((part) => -part) as Vector;
    return { right: cross(viewUp as Vector, viewPlaneNormal as Vector), down };
  }

  ownWindow(): Window {
    return { ...this.came };
  }

  override reset(): void {
    super.reset();
    this.setWindow(this.came);
  }

  /** The pictures that were sent have points of their own; these slices have none. */
  oneToOne(): void {
    this.fit();
  }

  axes(): { right: Point; down: Point } {
    return { right: [1, 0], down: [0, 1] };
  }
}
