/** The cameras' pictures. Picture and keypoints come in one message and are drawn in one go. */

import type { Shape } from "./figure";
import { dropsOf } from "./health";
import type { CameraQuality, CameraStatus, CameraView, Health } from "./messages";
import { drawPeople, type Placement } from "./overlay";
import { Rate } from "./run";
import { readTheme } from "./theme";
import { TIME_FROM, timeOf } from "./timing";

const LOST_AFTER_MS = 2000;
const MOST_DENSITY = 2;
const USUAL_DIAGONAL_PX = 300;
const [LEAST_LINE, MOST_LINE] = [0.5, 3];

/** What the page knows besides the pictures. */
export interface TileNews {
  readonly connected: boolean;
  readonly status: CameraStatus | undefined;
  /** Of its process, and of the relay that brings it from another host. */
  readonly drops: Health["drops"];
  readonly quality: CameraQuality | undefined;
}

export class Tile {
  readonly element = document.createElement("figure");
  shown: { frame: number; t_ns: number } | null = null;
  private readonly canvas = document.createElement("canvas");
  private readonly notice = document.createElement("p");
  private readonly rateText = document.createElement("span");
  private readonly errorText = document.createElement("span");
  private readonly timeText = document.createElement("span");
  private readonly dropText = document.createElement("span");
  private readonly rate = new Rate();
  private next: CameraView | null = null;
  private last: { view: CameraView; picture: ImageBitmap } | null = null;
  private decoding = false;
  private arrived: number | null = null;

  constructor(
    readonly camera: string,
    private readonly shapeOf: (skeleton: string) => Shape | undefined,
  ) {
    this.element.className = "tile";
    this.canvas.setAttribute("role", "img");
    this.notice.className = "tile-notice";
    const caption = document.createElement("figcaption");
    const name = document.createElement("h3");
    name.textContent = camera;
    this.errorText.title = "Median distance of what this camera sees to where the others put it";
    caption.append(name, this.rateText, this.errorText, this.timeText, this.dropText);
    this.element.append(this.canvas, this.notice, caption);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.describe("waiting for the first picture");
  }

  take(view: CameraView, now: number): void {
    this.next = view;
    this.arrived = now;
    this.rate.add(view.frame, view.t_ns / 1e6);
  }

  /** Once an animation frame: begin with the newest picture unless one is being decoded. */
  frame(): void {
    const view = this.next;
    if (!view || this.decoding) return;
    this.next = null;
    this.decoding = true;
    createImageBitmap(new Blob([view.jpeg as Uint8Array<ArrayBuffer>], { type: "image/jpeg" }))
      .then((picture) => {
        this.last?.picture.close();
        this.last = { view, picture };
        this.shown = { frame: view.frame, t_ns: view.t_ns };
        this.draw();
      })
      .catch((error: unknown) => console.warn(`${this.camera}: a picture that is none`, error))
      .finally(() => (this.decoding = false));
  }

  /** Once a second: rate, drops, and whether the camera is still there. */
  report(news: TileNews, now: number): void {
    const silent = this.arrived === null ? null : now - this.arrived;
    const lost = !news.connected || silent === null || silent > LOST_AFTER_MS;
    const hz = lost ? null : this.rate.hz;
    this.rateText.textContent = hz === null ? "" : `${hz.toFixed(hz < 20 ? 1 : 0)} fps`;
    const error = news.quality?.held_out_px;
    this.errorText.textContent = lost || !Number.isFinite(error) ? "" : `held out ${error!.toFixed(0)} px`;
    this.timeText.textContent = lost ? "" : timeOf(news.status);
    this.timeText.title = TIME_FROM[news.status?.time_origin ?? "file"];
    const drops = dropsOf(news.drops);
    const sum = drops.reduce((total, [, n]) => total + n, 0);
    this.dropText.textContent = sum > 0 ? `${sum} dropped` : "";
    this.dropText.title = drops.map(([reason, n]) => `${reason}: ${n}`).join("\n");
    this.element.classList.toggle("lost", lost);
    this.describe(this.trouble(news, lost, silent));
  }

  redraw(): void {
    this.draw();
  }

  private trouble(news: TileNews, lost: boolean, silent: number | null): string {
    if (!news.connected) return "no connection";
    if (news.status?.ended && lost) return "the footage has ended";
    if (silent === null) return "waiting for the first picture";
    if (lost) return `camera lost: no picture for ${Math.round(silent / 1000)} s`;
    if (news.quality?.says) return news.quality.says;
    return this.last && !this.last.view.keypoints2d ? "pictures only, no keypoints" : "";
  }

  private describe(trouble: string): void {
    if (this.notice.textContent !== trouble) this.notice.textContent = trouble;
    const people = this.last?.view.keypoints2d?.persons.length ?? 0;
    const seen = people === 1 ? "one person" : `${people || "no"} persons`;
    const label = `Camera ${this.camera}: ${trouble || `live picture, ${seen} in view`}`;
    if (this.canvas.ariaLabel !== label) this.canvas.ariaLabel = label;
  }

  private draw(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (!this.last || clientWidth === 0) return;
    const density = Math.min(devicePixelRatio, MOST_DENSITY);
    const [width, height] = [Math.round(clientWidth * density), Math.round(clientHeight * density)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d", { alpha: true })!;
    const { view, picture } = this.last;
    const scale = Math.min(width / view.width_px, height / view.height_px);
    const [shownWidth, shownHeight] = [view.width_px * scale, view.height_px * scale];
    const [x, y] = [(width - shownWidth) / 2, (height - shownHeight) / 2];
    context.clearRect(0, 0, width, height);
    context.imageSmoothingQuality = "medium";
    context.drawImage(picture, x, y, shownWidth, shownHeight);
    const diagonal = Math.hypot(shownWidth, shownHeight) / density;
    const size = Math.min(MOST_LINE, Math.max(LEAST_LINE, diagonal / USUAL_DIAGONAL_PX));
    this.drawPeople(context, view, { x, y, scale, density: density * size });
  }

  private drawPeople(context: CanvasRenderingContext2D, view: CameraView, placement: Placement): void {
    const shape = view.keypoints2d && this.shapeOf(view.keypoints2d.skeleton);
    if (view.keypoints2d && shape) drawPeople(context, view.keypoints2d, shape, placement, readTheme());
  }
}
