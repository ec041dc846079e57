/** One plot over time: curves with their bands, events, and the common cursor. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { readTheme, typeScale, type Theme } from "../theme";
import { element, numeral } from "./dom";
import type { Player } from "./player";

const BAND_SD = 2;
const PRINT_WIDTH_PX = 260; // three beside each other on A4
const PRINT_HEIGHT_PX = 125;

export interface Line {
  readonly label: string;
  readonly colour: "left" | "right" | "middle";
  readonly values: Float32Array;
  readonly sd: Float32Array | null;
}

export interface ChartSettings {
  readonly title: string;
  readonly note: string;
  readonly unit: string;
  readonly digits: number;
  /** The axis covers at least so much, so that noise does not look like a movement. */
  readonly leastSpan: number;
  readonly fromZero?: boolean;
}

export class Chart {
  readonly element = element("section", { class: "curve panel" });
  private readonly body = element("div", { class: "curve-body", role: "img" });
  private readonly cursor = element("i", { class: "cursor" });
  private readonly numerals: HTMLElement[] = [];
  private readonly columns: uPlot.AlignedData;
  private chart: uPlot | null = null;

  constructor(
    private readonly settings: ChartSettings,
    private readonly times: Float32Array,
    private readonly lines: readonly Line[],
    private readonly events: readonly (readonly [number, string])[],
    private readonly player: Player,
  ) {
    const note = settings.note ? [element("span", { class: "quiet" }, settings.note)] : [];
    const title = element("div", {}, element("h4", {}, settings.title), ...note);
    const head = element("header", {}, title, ...lines.map((one) => this.legend(one)));
    this.body.ariaLabel = `${settings.title} over time, ${lines.map((one) => one.label).join(" and ")}`;
    this.element.append(head, this.body);
    this.columns = [Array.from(times), ...lines.flatMap(columnsOf)];
    new ResizeObserver(() => this.fit()).observe(this.body);
    this.listen();
  }

  rebuild(printing = false): void {
    this.chart?.destroy();
    this.chart = null;
    if (printing) this.build(PRINT_WIDTH_PX, PRINT_HEIGHT_PX);
    else this.fit();
  }

  /** Move cursor and numerals to a frame. */
  point(time: number, frame: number): void {
    this.lines.forEach((line, i) => {
      const text = numeral(line.values[frame], this.settings.digits, this.settings.unit);
      if (this.numerals[i]!.textContent !== text) this.numerals[i]!.textContent = text;
    });
    if (!this.chart) return;
    const [from, to] = this.player.window;
    if (this.chart.scales.x!.min !== from) this.chart.setScale("x", { min: from, max: to });
    // not by valToPos: a scale that was just set holds from the end of this turn on only
    const left = ((time - from) / (to - from || 1)) * (this.chart.bbox.width / uPlot.pxRatio);
    this.cursor.style.transform = `translateX(${left.toFixed(1)}px)`;
  }

  private legend({ label, colour }: Line): HTMLElement {
    const value = element("b", {}, "–");
    this.numerals.push(value);
    return element("span", { class: `key ${colour}` }, label, value);
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.body;
    if (width < 40 || height < 30 || document.documentElement.classList.contains("print")) return;
    if (this.chart) this.chart.setSize({ width, height });
    else this.build(width, height);
    this.point(this.player.time, this.frameOf(this.player.time));
  }

  private frameOf(time: number): number {
    const found = this.times.findIndex((one) => one >= time - 1e-6);
    return found < 0 ? this.times.length - 1 : found;
  }

  private build(width: number, height: number): void {
    this.chart = new uPlot(this.options(width, height), this.columns, this.body);
    this.chart.over.append(this.cursor);
  }

  /** Pressing and dragging on the plot moves the time; sideways only, so that a page scrolls. */
  private listen(): void {
    const seek = (event: PointerEvent) => {
      if (!this.chart || !(event.buttons & 1)) return;
      const left = event.clientX - this.chart.over.getBoundingClientRect().left;
      this.player.seek(this.chart.posToVal(left, "x"));
    };
    this.body.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") this.body.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.body.addEventListener("pointermove", seek);
  }

  private options(width: number, height: number): uPlot.Options {
    const theme = readTheme();
    const rem = 16 * typeScale();
    const axis = {
      stroke: theme.quiet,
      font: `${Math.round(rem * 0.76)}px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: theme.line, width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height,
      padding: [rem * 0.5, rem * 1.4, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: () => this.player.window }, y: { range: (_, low, high) => this.range(low, high) } },
      axes: [
        { ...axis, size: rem * 1.5, gap: 2, space: rem * 3.2, values: (_, all) => seconds(all) },
        { ...axis, size: rem * 3.1, gap: 4, space: rem * 1.4, values: (_, all) => all.map((v) => this.tick(v)) },
      ],
      series: [{}, ...this.lines.flatMap((line) => seriesOf(line, theme, rem))],
      bands: this.lines.map((line, i) => ({
        series: [3 * i + 3, 3 * i + 2],
        fill: translucent(theme[line.colour]),
      })),
      hooks: { drawAxes: [(chart) => drawEvents(chart, this.events, theme)] },
    };
  }

  private tick(value: number): string {
    const digits = this.settings.unit === " m" ? 2 : 0;
    const exact = Math.abs(value - Number(value.toFixed(digits))) < 1e-9;
    return numeral(value, exact ? digits : digits + 1, this.settings.unit);
  }

  private range(low: number | null, high: number | null): [number, number] {
    const [least, most] = [this.settings.fromZero ? 0 : (low ?? 0), high ?? 1];
    const lacking = Math.max(0, this.settings.leastSpan - (most - least)) / 2;
    const margin = 0.04 * (most - least);
    if (this.settings.fromZero) return [0, most + margin + 2 * lacking];
    return [least - lacking - margin, most + lacking + margin];
  }
}

/** Value, lower and upper edge; null is a gap. */
function columnsOf({ values, sd }: Line): (number | null)[][] {
  const column = (of: (i: number) => number) =>
    Array.from(values, (_, i) => (Number.isFinite(of(i)) ? of(i) : null));
  const spread = (i: number) => BAND_SD * (sd ? sd[i]! : NaN);
  return [
    column((i) => values[i]!),
    column((i) => values[i]! - spread(i)),
    column((i) => values[i]! + spread(i)),
  ];
}

function seriesOf(line: Line, theme: Theme, rem: number): uPlot.Series[] {
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  return [{ stroke: theme[line.colour], width: (2.2 * rem) / 16, points: { show: false } }, edge, edge];
}

function seconds(all: readonly number[]): string[] {
  return all.map((v, i) => `${Number(v.toFixed(3))}${i === all.length - 1 ? " s" : ""}`);
}

function translucent(colour: string): string {
  return `${colour}38`;
}

function drawEvents(chart: uPlot, events: readonly (readonly [number, string])[], theme: Theme): void {
  const { ctx, bbox } = chart;
  ctx.save();
  const unit = typeScale() * uPlot.pxRatio;
  ctx.lineWidth = unit;
  ctx.setLineDash([4 * unit, 4 * unit]);
  for (const [time, name] of events) {
    const x = Math.round(chart.valToPos(time, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = theme[colourOfEvent(name)];
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

export function colourOfEvent(name: string): "left" | "right" | "quiet" {
  return /\bleft\b/i.test(name) ? "left" : /\bright\b/i.test(name) ? "right" : "quiet";
}
