/** What the numbers are worth and where they come from: quality, warnings, settings, stages. */

import { element, numeral, table } from "./dom";
import { bar, titled } from "./figures";
import type { Payload, Quality } from "./payload";

export function qualityOf({ quality, sync_offset_ms: sync }: Payload): HTMLElement {
  const parts: HTMLElement[] = [titled("Quality"), facts(quality)];
  const cameras = Object.entries(quality.held_out_per_camera_px);
  if (cameras.length > 0) {
    const most = Math.max(1, ...cameras.map(([, px]) => px ?? 0));
    const rows = cameras.map(([name, px]) => {
      const offset = sync ? [numeral(sync[name], 1, " ms")] : [];
      return [name, numeral(px, 1, " px"), bar((px ?? 0) / most), ...offset];
    });
    const said = "Each camera left out in turn: how far what it sees is from where the others put it (median).";
    const heads = ["Camera", "Held out", "", ...(sync ? ["Time shifted by"] : [])];
    parts.push(element("p", { class: "quiet" }, said), table(heads, rows));
  }
  return element("section", { class: "panel about" }, ...parts);
}

function facts(quality: Quality): HTMLElement {
  const all = quality.n_points + quality.n_missing;
  const missing = all > 0 ? (100 * quality.n_missing) / all : null;
  const cv = quality.segment_cv === null ? null : 100 * quality.segment_cv;
  const rows: [string, string, string][] = [
    ["Error in a held-out camera", numeral(quality.held_out_px, 1, " px"), "median; the figure to judge by"],
    ["Reprojection error", numeral(quality.reprojection_px, 1, " px"), "of the cameras that were used"],
    ["Cameras per point", numeral(quality.cameras_per_point, 2), "mean"],
    ["Points missing", numeral(missing, 1, " %"), missingOf(quality, all)],
    ["Segment lengths vary by", numeral(cv, 1, " %"), "a rigid body would vary by none"],
  ];
  const entries = rows.map(([name, value, note]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value), element("dd", { class: "quiet" }, note)),
  );
  return element("dl", { class: "facts" }, ...entries);
}

function missingOf({ n_missing, never_given: never }: Quality, all: number): string {
  const counted = `${n_missing} of ${all}`;
  return never.length > 0 ? `${counted}; never given by this pose model: ${never.join(", ")}` : counted;
}

export function warningsOf({ warnings, every, persons }: Payload): HTMLElement | null {
  const said = [...warnings];
  if (every > 1) {
    const hz = persons.map((one) => (one.rate_hz / every).toFixed(0)).join(", ");
    said.push(
      `The recording is long: curves and animation show one frame in ${every} (${hz} Hz). ` +
        "The tables are computed from all frames.",
    );
  }
  if (said.length === 0) return null;
  const list = element("ul", {}, ...said.map((one) => element("li", {}, one)));
  return element("section", { class: "panel warnings" }, titled("Keep in mind"), list);
}

export function originOf(payload: Payload): HTMLElement {
  const parts: HTMLElement[] = [titled("How it was made")];
  if (payload.provenance.length > 0) {
    const rows = payload.provenance.map((one) => [one.stage, one.method, one.version, duration(one.took_ms)]);
    parts.push(table(["Stage", "Method", "Version", "Took"], rows, 3));
  }
  if (payload.settings.length > 0) parts.push(folded("Settings used", table(["Setting", "Value"], payload.settings, 2)));
  if (payload.unused_settings.length > 0) {
    const list = element("ul", { class: "names" }, ...payload.unused_settings.map((key) => element("li", {}, element("code", {}, key))));
    parts.push(folded(`Settings given that have no effect (${payload.unused_settings.length})`, list));
  }
  parts.push(element("p", { class: "quiet" }, `kinelive ${payload.kinelive}`));
  return element("section", { class: "panel about" }, ...parts);
}

function folded(title: string, content: HTMLElement): HTMLElement {
  return element("details", {}, element("summary", {}, title), content);
}

function duration(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
