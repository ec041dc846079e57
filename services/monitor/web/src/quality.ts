/** How well the cameras agree, in the health panel: a row a camera, and the worst keypoints. */

import { float32, type CameraQuality, type RigQuality } from "./messages";
import type { Run } from "./run";

const WORST = 5;

export class QualityPanel {
  constructor(
    private readonly table: HTMLElement,
    private readonly worst: HTMLElement,
  ) {}

  draw(run: Run): void {
    const quality = run.quality;
    this.table.replaceChildren(...(quality?.cameras ?? []).map(row));
    const names = run.shapes.get(quality?.skeleton ?? "")?.names ?? [];
    const text = worstKeypoints(quality, names)
      .map(([name, px]) => `${name} ${px.toFixed(0)} px`)
      .join(", ");
    this.worst.textContent = text ? `Worst keypoints: ${text}` : "Nothing known yet";
  }
}

/** Names and median errors in pixels, the worst first. */
function worstKeypoints(quality: RigQuality | null, names: readonly string[]): [string, number][] {
  if (!quality) return [];
  const px = float32(quality.keypoint_px);
  return names
    .map((name, j): [string, number] => [name, px[j] ?? NaN])
    .filter(([, error]) => Number.isFinite(error))
    .sort((a, b) => b[1] - a[1])
    .slice(0, WORST);
}

function row(camera: CameraQuality): HTMLTableRowElement {
  const element = document.createElement("tr");
  element.className = camera.says ? "bad" : "";
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = camera.camera;
  const clock = Number.isFinite(camera.late_ms)
    ? `${signed(camera.late_ms)} ± ${camera.late_sd_ms.toFixed(1)} ms`
    : "–";
  const offset = Number.isFinite(camera.offset_ms)
    ? `${signed(camera.offset_ms)} ± ${camera.offset_uncertainty_ms.toFixed(1)} ms`
    : "–";
  const shift = camera.shift_ms ? `${signed(camera.shift_ms)} ms` : "–";
  const turned = Number.isFinite(camera.turned_deg) ? `${camera.turned_deg.toFixed(1)}°` : "–";
  const heldOut = Number.isFinite(camera.held_out_px) ? `${camera.held_out_px.toFixed(1)} px` : "–";
  const says = cell(camera.says || "fine", "says");
  element.append(name, ...[heldOut, turned, clock, offset, shift].map((text) => cell(text)), says);
  return element;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

function cell(text: string, kind = "number"): HTMLTableCellElement {
  const element = document.createElement("td");
  element.className = kind;
  element.textContent = text;
  return element;
}
