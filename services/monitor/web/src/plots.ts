/** Running plots of flexion, left and right. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { JointAngles } from "./messages";
import { Series, WINDOW_S } from "./series";
import { onThemeChange, readTheme, typeScale } from "./theme";

const STALE_MS = 1000;
const LEAST_MS = 66; // more often than this the eye sees no difference, and it costs

interface Joint {
  readonly title: string;
  /** Names in use for the coordinate, without the side. */
  readonly names: readonly string[];
  readonly low: number;
  readonly high: number;
}

const JOINTS: readonly Joint[] = [
  { title: "Knee flexion", names: ["knee_flexion", "knee_angle"], low: -5, high: 95 },
  { title: "Hip flexion", names: ["hip_flexion"], low: -20, high: 80 },
  { title: "Elbow flexion", names: ["elbow_flexion", "elbow_flex"], low: -5, high: 95 },
];

const SIDES = ["left", "right"] as const;

function sided(joint: Joint, side: (typeof SIDES)[number]): string[] {
  return joint.names.map((name) => `${name}_${side[0]}`);
}

class Plot {
  readonly element = document.createElement("section");
  private readonly body = document.createElement("div");
  private readonly numerals: Record<string, HTMLElement> = {};
  private chart: uPlot | null = null;

  constructor(private readonly joint: Joint) {
    this.element.className = "plot panel";
    const head = document.createElement("header");
    const title = document.createElement("h3");
    title.textContent = joint.title;
    head.append(title, ...SIDES.map((side) => this.legend(side)));
    this.body.className = "plot-body";
    this.body.setAttribute("role", "img");
    this.body.ariaLabel = `${joint.title} of the last ten seconds, left and right, in degrees`;
    this.element.append(head, this.body);
    new ResizeObserver(() => this.fit()).observe(this.body);
  }

  rebuild(): void {
    this.chart?.destroy();
    this.chart = null;
    this.fit();
  }

  draw(series: Series, person: number | null): void {
    for (const side of SIDES) {
      const angle = series.newest(person, sided(this.joint, side));
      this.numerals[side]!.textContent = angle === null ? "–" : `${Math.round(angle)}°`;
    }
    if (!this.chart) return;
    const curves = SIDES.map((side) => series.curve(person, sided(this.joint, side)));
    const end = series.newest_s ?? 0;
    this.chart.batch(() => {
      this.chart!.setData([series.times(), ...curves] as uPlot.AlignedData, false);
      this.chart!.setScale("x", { min: end - WINDOW_S, max: end });
    });
  }

  private legend(side: (typeof SIDES)[number]): HTMLElement {
    const entry = document.createElement("span");
    entry.className = `key ${side}`;
    const numeral = document.createElement("b");
    numeral.textContent = "–";
    this.numerals[side] = numeral;
    entry.append(side, numeral);
    return entry;
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.body;
    if (width < 40 || height < 30) return;
    if (this.chart) this.chart.setSize({ width, height });
    else this.chart = new uPlot(options(this.joint, width, height), [[], [], []], this.body);
  }
}

function options(joint: Joint, width: number, height: number): uPlot.Options {
  const theme = readTheme();
  const rem = 16 * typeScale();
  const axis = {
    stroke: theme.quiet,
    font: `${Math.round(rem * 0.78)}px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: theme.line, width: 1 },
    ticks: { show: false },
  };
  const line = (stroke: string) => ({ stroke, width: 2 * (rem / 16), points: { show: false } });
  return {
    width,
    height,
    padding: [rem * 0.5, rem * 1.1, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => [Math.min(joint.low, low ?? 0), Math.max(joint.high, high ?? 0)] },
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
        incrs: [15, 30, 45, 90, 180],
        space: rem * 1.15,
        values: (_, all) => all.map((v) => `${v}°`),
      },
    ],
    series: [{}, line(theme.left), line(theme.right)],
  };
}

export class Plots {
  readonly series = new Series();
  private readonly plots = JOINTS.map((joint) => new Plot(joint));
  private chosen: number | null = null;
  private fresh = false;
  private drawn = 0;
  private takenAt = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly choice: HTMLElement,
  ) {
    host.append(...this.plots.map((plot) => plot.element));
    onThemeChange(() => {
      this.plots.forEach((plot) => plot.rebuild());
      this.fresh = true;
    });
  }

  take(angles: JointAngles): void {
    this.series.add(angles);
    this.fresh = true;
    this.takenAt = performance.now();
  }

  frame(now: number): void {
    this.host.classList.toggle("stale", now - this.takenAt > STALE_MS);
    if (!this.fresh || now - this.drawn < LEAST_MS) return;
    this.fresh = false;
    this.drawn = now;
    const persons = this.series.persons;
    if (this.chosen === null || (persons.length > 0 && !persons.includes(this.chosen))) {
      this.chosen = persons[0] ?? null;
    }
    this.offer(persons);
    for (const plot of this.plots) plot.draw(this.series, this.chosen);
  }

  /** Buttons for choosing the person, where there are several. */
  private offer(persons: readonly number[]): void {
    this.choice.hidden = persons.length < 2;
    const key = persons.join(" ");
    if (this.choice.dataset.persons !== key) {
      this.choice.dataset.persons = key;
      this.choice.replaceChildren(...persons.map((id) => this.button(id)));
    }
    for (const button of this.choice.children) {
      button.ariaPressed = String(button.textContent === String(this.chosen));
    }
  }

  private button(id: number): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = String(id);
    button.ariaLabel = `Person ${id}`;
    button.onclick = () => {
      this.chosen = id;
      this.fresh = true;
    };
    return button;
  }
}
