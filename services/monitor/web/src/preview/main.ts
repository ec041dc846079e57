/** The page to set cameras up by: live pictures, how sharp, how bright, how well timed. */

import type { CameraPreview } from "../messages";
import { element } from "../report/dom";
import "../style/base.css";
import "./preview.css";
import { lossesOf, streamOf, troubleOf } from "./words";

const FACTS_EACH_MS = 250;
const PICTURE_AFTER_MS = 60;
const AGAIN_AFTER_MS = 1000;

class Tile {
  private readonly picture = element("img");
  private readonly stream = element("p", { class: "quiet" });
  private readonly meter = element("meter");
  private readonly share = element("output");
  private readonly trouble = element("p", { class: "trouble" });
  private readonly lost = element("p", { class: "quiet" });
  private sharpest = 0;

  constructor(
    private readonly camera: string,
    place: HTMLElement,
  ) {
    this.picture.alt = `Live picture of ${camera}`;
    const focus = element("label", { class: "focus" }, element("span", {}, "focus"), this.meter, this.share);
    const head = element("h2", {}, camera);
    place.append(element("figure", {}, this.picture, head, focus, this.trouble, this.stream, this.lost));
    this.picture.onload = () => setTimeout(() => this.next(), PICTURE_AFTER_MS);
    this.picture.onerror = () => setTimeout(() => this.next(), AGAIN_AFTER_MS);
    this.next();
  }

  show(one: CameraPreview): void {
    this.sharpest = Math.max(this.sharpest, one.sharpness);
    const share = this.sharpest > 0 ? one.sharpness / this.sharpest : 0;
    this.meter.value = share;
    this.share.textContent = one.number ? String(Math.round(100 * share)) : "";
    this.trouble.textContent = troubleOf(one);
    this.stream.textContent = streamOf(one);
    this.lost.textContent = lossesOf(one);
  }

  say(trouble: string): void {
    this.trouble.textContent = trouble;
  }

  anew(): void {
    this.sharpest = 0;
  }

  private next(): void {
    this.picture.src = `/picture/${encodeURIComponent(this.camera)}?${Date.now()}`;
  }
}

const place = document.getElementById("cameras")!;
const tiles = new Map<string, Tile>();

function show(one: CameraPreview): void {
  const tile = tiles.get(one.camera) ?? new Tile(one.camera, place);
  tiles.set(one.camera, tile);
  tile.show(one);
}

async function look(): Promise<void> {
  try {
    const answer = await fetch("/facts");
    ((await answer.json()) as CameraPreview[]).forEach(show);
  } catch {
    tiles.forEach((tile) => tile.say("no connection to kinelive"));
  }
  setTimeout(() => void look(), FACTS_EACH_MS);
}

document.getElementById("anew")!.onclick = () => tiles.forEach((tile) => tile.anew());
void look();
