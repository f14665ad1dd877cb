/** The sharp view: the picture library on a canvas. Loaded after the quick view is on the screen. */

import { cache, Enums, imageLoader, init as initCore, RenderingEngine, type Types } from '@cornerstonejs/core';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import { init as initTools } from '@cornerstonejs/tools';
import { Refused } from './asking';
import { CameraSurface } from './camera';
import { numbers } from './dicom';
import { Measurements } from './measuring';
import type { Picture } from './pictures';
import { openPlanes } from './planes';
import { type Drawing, type NativeSurface, type Planes, type Point, type Shelf, Undecodable, type Window } from './surface';

export const ENGINE = 'viewer';
const CHECK_SIDE = 24;

const DRAW_MILLISECONDS = 8000;

const requests = new Map<string, XMLHttpRequest>();
const brokenOff = new Set<string>();

/** What the device may spend: memory for pictures in octets, workers that decode, and drawing contexts of the graphics card. */
export interface Means {
  memory: number;
  workers: number;
  contexts: number;
}

/** Raises when the browser has no WebGL 2 or the library cannot start. */
export async function openNative({ memory, workers, contexts }: Means): Promise<Drawing> {
  if (!document.createElement('canvas').getContext('webgl2')) throw new Error('no WebGL 2');
  await initCore({ rendering: { webGlContextCount: contexts }, debug: {} });
  initLoader({
    maxWebWorkers: workers,
    beforeSend: (xhr: XMLHttpRequest, imageId: string) => {
      requests.set(imageId, xhr);
      return Promise.resolve({});
    },
  });
  initTools();
  // What was broken off is dealt with where it is waited for; the library lets it go by a second way too.
  window.addEventListener('unhandledrejection', (event) => event.reason instanceof XMLHttpRequest && !event.reason.status && event.preventDefault());
  keepNothing();
  cache.setMaxCacheSize(memory);
  return new Canvases();
}

/** The library notes in the browser what the graphics card can do; a borrowed computer keeps nothing of us. */
function keepNothing(): void {
  for (const name of Object.keys(localStorage)) if (/^(cornerstone3D|loglevel)/.test(name)) localStorage.removeItem(name);
}

/** The library has one memory for all its surfaces. */
const shelf: Shelf = {
  has(picture: Picture): boolean {
    return cache.getImage(picture.imageId) !== undefined;
  },

  know(pictures: readonly Picture[]): void {
    for (const { imageId, instance } of pictures) {
      // The library takes a modality for granted; a file without one is "other" (PS3.3 C.7.3.1.1.1).
      if (!instance['00080060']?.Value?.length) instance['00080060'] = { vr: 'CS', Value: ['OT'] };
      // A spacing of nothing, which some X-ray machines write, would make the picture infinitely small.
      if (numbers(instance, '00280030').some((spacing) => !(spacing > 0))) delete instance['00280030'];
      wadors.metaDataManager.add(imageId, instance as never);
    }
  },

  async load(picture: Picture, signal: AbortSignal): Promise<void> {
    const { imageId } = picture;
    const breakOff = () => {
      brokenOff.add(imageId);
      requests.get(imageId)?.abort();
    };
    signal.addEventListener('abort', breakOff, { once: true });
    try {
      await imageLoader.loadAndCacheImage(imageId, { priority: 5, requestType: Enums.RequestType.Interaction, additionalDetails: { imageId } });
    } catch {
      // Two may wait for one picture; what one of them broke off the other asks for anew.
      if (!signal.aborted && brokenOff.delete(imageId)) return shelf.load(picture, signal);
      const status = requests.get(imageId)?.status ?? 0;
      if (status !== 200 && status !== 206) throw new Refused(status);
      throw new Undecodable();
    } finally {
      signal.removeEventListener('abort', breakOff);
      requests.delete(imageId);
    }
  },
};

class Canvases implements Drawing {
  readonly know = shelf.know;
  readonly has = shelf.has;
  readonly load = shelf.load;
  readonly measuring = new Measurements(ENGINE);
  private readonly engine = new RenderingEngine(ENGINE);
  private readonly surfaces = new Set<CanvasSurface>();
  private made = 0;

  surface(element: HTMLDivElement): NativeSurface {
    const viewportId = `picture-${(this.made += 1)}`;
    this.engine.enableElement({ viewportId, type: Enums.ViewportType.STACK, element });
    // The focus belongs to the picture around it, where the keys are.
    element.removeAttribute('tabindex');
    const surface = new CanvasSurface(this.engine, element, this.engine.getViewport(viewportId) as Types.IStackViewport, this.measuring, () => this.surfaces.delete(surface));
    this.surfaces.add(surface);
    return surface;
  }

  planes(elements: readonly HTMLDivElement[], pictures: readonly Picture[], window: Window): Promise<Planes> {
    return openPlanes(this.engine, elements, pictures.map((picture) => picture.imageId), window);
  }

  octets(): number {
    return cache.getCacheSize();
  }

  drop({ imageId }: Picture): void {
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId);
  }

  longestVolume(): number {
    const context = document.createElement('canvas').getContext('webgl2');
    return context ? Number(context.getParameter(context.MAX_3D_TEXTURE_SIZE)) : 0;
  }

  resize(): void {
    const fitted = [...this.surfaces].filter((surface) => surface.isFitted());
    this.engine.resize(true, true);
    for (const surface of fitted) surface.fitAnew();
  }

  close(): void {
    this.engine.destroy();
    cache.purgeCache();
    wadors.metaDataManager.purge();
  }
}

class CanvasSurface extends CameraSurface<Types.IStackViewport> implements NativeSurface {
  readonly know = shelf.know;
  readonly has = shelf.has;
  readonly load = shelf.load;
  private ids: string[] = [];
  private checked = new Set<string>();

  constructor(
    private readonly engine: RenderingEngine,
    element: HTMLDivElement,
    viewport: Types.IStackViewport,
    readonly measuring: Measurements,
    private readonly gone: () => void,
  ) {
    super(element, viewport);
    measuring.join(viewport.id, this, viewport);
  }

  range(picture: Picture): [number, number] {
    const image = cache.getImage(picture.imageId);
    return image ? [image.minPixelValue, image.maxPixelValue] : [0, 0];
  }

  async open(pictures: readonly Picture[], at: number): Promise<boolean> {
    const first = pictures[at];
    const native = pictures.filter((picture) => picture.native);
    this.ids = native.map((picture) => picture.imageId);
    this.checked.clear();
    if (!first) return false;
    await inTime(this.viewport.setStack(this.ids, this.ids.indexOf(first.imageId)));
    this.viewport.render();
    keepNothing();
    return this.isVisible(first);
  }

  async show(picture: Picture): Promise<boolean> {
    const at = this.ids.indexOf(picture.imageId);
    if (at < 0) return false;
    await inTime(this.viewport.setImageIdIndex(at));
    this.viewport.render();
    return this.isVisible(picture);
  }

  /**
   * Does the screen show what the picture holds? The library reports a picture as drawn even when the
   * graphics card has drawn nothing, so one picture of each shape is looked at.
   */
  private async isVisible(picture: Picture): Promise<boolean> {
    const image = cache.getImage(picture.imageId);
    if (!image) return false;
    const shape = `${image.rows} ${image.columns} ${image.dataType}`;
    if (this.checked.has(shape) || image.minPixelValue === image.maxPixelValue) return true;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    if (!this.hasShades()) return false;
    this.checked.add(shape);
    return true;
  }

  private hasShades(): boolean {
    const small = document.createElement('canvas');
    small.width = small.height = CHECK_SIDE;
    const pen = small.getContext('2d', { willReadFrequently: true });
    if (!pen) return true;
    const { canvas } = this.viewport;
    const side = Math.min(canvas.width, canvas.height);
    pen.drawImage(canvas, (canvas.width - side) / 2, (canvas.height - side) / 2, side, side, 0, 0, CHECK_SIDE, CHECK_SIDE);
    const { data } = pen.getImageData(0, 0, CHECK_SIDE, CHECK_SIDE);
    return data.some((value, at) => at % 4 !== 3 && value !== data[at % 4]);
  }

  oneToOne(): void {
    this.fit();
    const { right } = this.steps();
    this.zoomBy(1 / (Math.hypot(...right) * window.devicePixelRatio));
  }

  ownWindow(): Window {
    const image = cache.getImage(this.viewport.getCurrentImageId());
    const first = (value: number | number[] | undefined) => (Array.isArray(value) ? value[0] : value);
    return { center: first(image?.windowCenter) ?? 127.5, width: first(image?.windowWidth) ?? 255 };
  }

  /** Screen points that one picture point to the right, and one down, cover. */
  private steps(): { right: Point; down: Point } {
    const data = this.viewport.getImageData()?.imageData;
    if (!data?.indexToWorld) return { right: [1, 0], down: [0, 1] };
    const at = (column: number, row: number) => this.viewport.worldToCanvas(data.indexToWorld?.([column, row, 0]) as Types.Point3);
    const [x, y] = at(0, 0);
    const [rightX, rightY] = at(1, 0);
    const [downX, downY] = at(0, 1);
    return { right: [rightX - x, rightY - y], down: [downX - x, downY - y] };
  }

  axes(): { right: Point; down: Point } {
    const { right, down } = this.steps();
    const one = (a: number, b: number): Point => {
      const length = Math.hypot(a, b) || 1;
      return [a / length, b / length];
    };
    return { right: one(right[0], down[0]), down: one(right[1], down[1]) };
  }

  close(): void {
    this.measuring.leave(this.viewport.id);
    this.engine.disableElement(this.viewport.id);
    this.gone();
  }
}

/** The library's promises stay open for good when something breaks inside; then the simple view takes over. */
function inTime<T>(drawing: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Undecodable()), DRAW_MILLISECONDS));
  return Promise.race([drawing, late]);
}
