/** The running plot of one coordinate: left and right, of the chosen person and of other pinned. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Coordinate, Part } from "./coordinates";
import { Series, WINDOW_S } from "./series";
import { readTheme, typeScale } from "./theme";

/** The first is drawn in full, the others dashed. */
export const MOST_PERSONS = 3;
const DASHES = [[], [7, 4], [2, 3]];
const DEGREES = 180 / Math.PI;

export class Plot {
  readonly element = document.createElement("section");
  private readonly body = document.createElement("div");
  private readonly numerals = new Map<Part, HTMLElement>();
  private readonly parts: readonly Part[];
  private readonly scale: number;
  private readonly resized = new ResizeObserver(() => this.fit());
  private chart: uPlot | null = null;

  constructor(private readonly coordinate: Coordinate) {
    this.parts = (["left", "right", "middle"] as const).filter((part) => coordinate.parts[part]);
    this.scale = coordinate.unit === "°" ? DEGREES : 1;
    this.element.className = "plot panel";
    const head = document.createElement("header");
    const title = document.createElement("h3");
    title.textContent = coordinate.title;
    head.append(title, ...this.parts.map((part) => this.legend(part)));
    this.body.className = "plot-body";
    this.body.setAttribute("role", "img");
    this.body.ariaLabel = `${coordinate.title} of the last ten seconds in ${coordinate.unit === "°" ? "degrees" : "metres"}`;
    this.element.append(head, this.body);
    this.resized.observe(this.body);
  }

  get name(): string {
    return this.coordinate.name;
  }

  dispose(): void {
    this.resized.disconnect();
    this.chart?.destroy();
  }

  rebuild(): void {
    this.chart?.destroy();
    this.chart = null;
    this.fit();
  }

  draw(series: Series, persons: readonly number[]): void {
    const names = this.coordinate.parts;
    for (const part of this.parts) {
      const value = series.newest(persons[0] ?? null, names[part], this.scale);
      this.numerals.get(part)!.textContent = value === null ? "–" : this.written(value);
    }
    if (!this.chart) return;
    const curves = Array.from({ length: MOST_PERSONS }, (_, i) => persons[i] ?? null).flatMap((person) =>
      this.parts.map((part) => series.curve(person, names[part], this.scale)),
    );
    const end = series.newest_s ?? 0;
    this.chart.batch(() => {
      this.chart!.setData([series.times(), ...curves] as uPlot.AlignedData, false);
      this.chart!.setScale("x", { min: end - WINDOW_S, max: end });
    });
  }

  private written(value: number): string {
    return this.coordinate.unit === "°" ? `${Math.round(value)}°` : `${value.toFixed(2)} m`;
  }

  private legend(part: Part): HTMLElement {
    const entry = document.createElement("span");
    entry.className = `key ${part}`;
    const numeral = document.createElement("b");
    numeral.textContent = "–";
    this.numerals.set(part, numeral);
    entry.append(part === "middle" ? "" : part, numeral);
    return entry;
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.body;
    if (width < 40 || height < 30) return;
    if (this.chart) {
      this.chart.setSize({ width, height });
      return;
    }
    const nothing = Array.from({ length: 1 + MOST_PERSONS * this.parts.length }, () => []);
    this.chart = new uPlot(
      options(this.coordinate, this.parts, width, height),
      nothing as unknown as uPlot.AlignedData,
      this.body,
    );
  }
}

function options(
  { range, unit }: Coordinate,
  parts: readonly Part[],
  width: number,
  height: number,
): uPlot.Options {
  const theme = readTheme();
  const rem = 16 * typeScale();
  const axis = {
    stroke: theme.quiet,
    font: `${Math.round(rem * 0.78)}px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: theme.line, width: 1 },
    ticks: { show: false },
  };
  const line = (part: Part, dash: number[]): uPlot.Series => ({
    stroke: theme[part],
    width: (dash.length ? 1.2 : 2) * (rem / 16),
    dash,
    points: { show: false },
  });
  return {
    width,
    height,
    padding: [rem * 0.5, rem * 1.1, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => [Math.min(range[0], low ?? 0), Math.max(range[1], high ?? 0)] },
    },
    axes: [
      {
        ...axis,
        size: rem * 1.5,
        gap: 2,
        splits: (chart) => [10, 8, 6, 4, 2, 0].map((ago) => chart.scales.x!.max! - ago),
        values: () => ["", "8", "6", "4", "2 s ago", "now"],
      },
      {
        ...axis,
        size: rem * 2.6,
        gap: 4,
        ...(unit === "°" ? { incrs: [15, 30, 45, 90, 180] } : {}),
        space: rem * 1.15,
        values: (_, all) => all.map((v) => (unit === "°" ? `${v}°` : String(v))),
      },
    ],
    series: [{}, ...DASHES.flatMap((dash) => parts.map((part) => line(part, dash)))],
  };
}
