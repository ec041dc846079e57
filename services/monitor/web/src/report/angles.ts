/** A person's plots, grouped by joint, left and right in one; and what cannot be told, with why. */

import { Chart, type ChartSettings, type Line } from "./chart";
import type { Clip, Curve } from "./clip";
import { element } from "./dom";
import type { Coordinate, Payload } from "./payload";
import type { Player } from "./player";

const LEAST_SPAN = { "°": 10, m: 0.05 } as const;
const LEAST_ERROR_MM = 20;
const OFTEN_MISSING = 0.98;

export class Angles {
  readonly element = element("section", { class: "angles" });
  readonly charts: readonly Chart[];

  constructor(
    readonly clip: Clip,
    payload: Payload,
    player: Player,
  ) {
    const charts: Chart[] = [];
    const key = keyOf(clip, player);
    if (key) this.element.append(element("p", { class: "quiet" }, key));
    const add = (settings: ChartSettings, lines: readonly Line[]): HTMLElement => {
      const chart = new Chart(settings, clip.times, lines, clip.person.events, player);
      charts.push(chart);
      return chart.element;
    };
    for (const group of payload.groups) {
      const curves = clip.curves.filter((one) => one.coordinate.group === group);
      if (curves.length === 0) continue;
      const plots = [...byTitle(curves).values()].map((pair) => add(settingsOf(pair), linesOf(pair)));
      this.element.append(headed(group, payload.cautions[group]), element("div", { class: "curves" }, ...plots));
    }
    this.element.append(...unseen(clip.person.coordinates));
    if (clip.error_mm) {
      const line: Line = { label: "RMS", colour: "middle", values: clip.error_mm, sd: null };
      const note = "Distance between the model's markers and the measured ones, all markers together.";
      this.element.append(
        headed("How well the model fits", note),
        element("div", { class: "curves" }, add(ERROR, [line])),
      );
    }
    this.charts = charts;
  }

  point(time: number): void {
    const frame = this.clip.nearest(time);
    for (const chart of this.charts) chart.point(time, frame);
  }
}

const ERROR: ChartSettings = {
  title: "Marker error",
  note: "",
  unit: " mm",
  digits: 0,
  leastSpan: LEAST_ERROR_MM,
  fromZero: true,
};

/** What bands and dashed lines are. */
function keyOf({ curves, person }: Clip, player: Player): string {
  const bands = curves.some((one) => one.sd) ? ["Bands: ± 2 standard deviations."] : [];
  const names = new Set(person.events.map(([, name]) => name.replace(/[,\s]*\b(left|right)\b[,\s]*/gi, " ").trim()));
  const events = names.size > 0 && curves.length > 0 ? [`Dashed lines: ${[...names].join(", ")}.`] : [];
  const part = player.windowed ? ["Plots show ten seconds at a time and follow the slider."] : [];
  return [...bands, ...events, ...part].join(" ");
}

function headed(title: string, caution: string | undefined): HTMLElement {
  const words = caution ? [element("p", { class: "quiet" }, caution)] : [];
  return element("header", { class: "group" }, element("h3", {}, title), ...words);
}

function byTitle(curves: readonly Curve[]): Map<string, Curve[]> {
  const found = new Map<string, Curve[]>();
  for (const curve of curves) {
    const { title } = curve.coordinate;
    found.set(title, [...(found.get(title) ?? []), curve]);
  }
  return found;
}

function settingsOf(pair: readonly Curve[]): ChartSettings {
  const { title, positive, unit } = pair[0]!.coordinate;
  const seen = Math.min(...pair.map((one) => one.coordinate.observed));
  const gaps = seen < OFTEN_MISSING ? `observed ${Math.round(100 * seen)} %` : "";
  const note = [positive, gaps].filter(Boolean).join(", ");
  const metres = unit === "m";
  return { title, note, unit: metres ? " m" : "°", digits: metres ? 2 : 0, leastSpan: LEAST_SPAN[unit] };
}

function linesOf(pair: readonly Curve[]): Line[] {
  const order = { left: 0, right: 1, "": 2 };
  return [...pair]
    .sort((a, b) => order[a.coordinate.side] - order[b.coordinate.side])
    .map(({ coordinate: { side }, values, sd }) => {
      return { label: side || "now", colour: side || "middle", values, sd };
    });
}

function unseen(coordinates: readonly Coordinate[]): HTMLElement[] {
  const rows = coordinates
    .filter((one) => !one.drawn)
    .map((one) => {
      const name = [one.title, one.side].filter(Boolean).join(", ");
      return element("li", {}, element("b", {}, name), ` – ${one.because}`);
    });
  if (rows.length === 0) return [];
  return [headed("Not shown", "The model has these too, but this recording does not tell them."), element("ul", { class: "unseen-list panel" }, ...rows)];
}
