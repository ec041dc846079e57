/** The report's page: reads what is in its own file, and shares one time among all parts. */

import type { Figure } from "../figure";
import { Stage } from "../stage";
import { onThemeChange } from "../theme";
import { originOf, qualityOf, warningsOf } from "./about";
import { Angles } from "./angles";
import { Clip } from "./clip";
import { button, element } from "./dom";
import { figuresOf } from "./figures";
import { headOf, personLine } from "./head";
import { readPayload, type Payload } from "./payload";
import { Player } from "./player";
import { Transport } from "./transport";
import "./report.css";
import "./print.css"; // after the other: it overrides

const POINT_MS = 60; // numerals that change more often cannot be read

class Report {
  readonly player: Player;
  stage: Stage | null = null;
  private readonly clips: readonly Clip[];
  private readonly angles: readonly Angles[];
  private readonly parts: HTMLElement[][] = [];
  private folded: readonly HTMLDetailsElement[] = [];
  private pointed = 0;
  private moved = true;

  constructor(private readonly payload: Payload) {
    this.clips = payload.persons.map((one) => new Clip(one));
    this.player = playerOf(this.clips);
    this.angles = this.clips.map((clip) => new Angles(clip, payload, this.player));
    this.player.onChange(() => (this.moved = true));
    this.build();
    this.choose(0);
    onThemeChange(() => this.rebuild(false));
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    const step = (now: number) => {
      this.frame(now);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  get shown(): Figure[] {
    return this.clips.map((clip) => clip.at(this.player.time)).filter((one) => one !== null);
  }

  private frame(now: number): void {
    this.player.frame(now);
    if (this.moved) this.stage?.show(this.shown, false, now);
    this.stage?.frame(now);
    if (!this.moved || (this.player.playing && now - this.pointed < POINT_MS)) return;
    this.moved = false;
    this.pointed = now;
    for (const one of this.angles) one.point(this.player.time);
  }

  private build(): void {
    const { payload } = this;
    const several = payload.persons.length > 1;
    const main = element("main");
    const below = element("div", { class: "below" });
    const warnings = warningsOf(payload);
    this.angles.forEach((angles, i) => {
      const person = payload.persons[i]!;
      const column = element("div", { class: "person" }, personLine(person, several), ...noAngles(angles), angles.element);
      const tables = figuresOf(person, payload.groups);
      if (several) tables.prepend(element("h2", { class: "printed" }, `Person ${person.id}`));
      this.parts.push([column, tables]);
    });
    main.append(...(this.clips.length > 0 ? [this.view()] : [nobody()]), ...this.parts.map(([column]) => column!));
    below.append(...this.parts.map(([, tables]) => tables!), element("div", { class: "pair" }, qualityOf(payload), originOf(payload)));
    const events = payload.persons.flatMap((one) => one.events);
    document.body.append(headOf(payload), ...(warnings ? [warnings] : []), ...(several ? [this.choice()] : []), main, below);
    if (this.clips.length > 0) document.body.append(new Transport(this.player, events).element);
  }

  private view(): HTMLElement {
    const canvas = element("canvas", {
      id: "scene",
      tabindex: "0",
      role: "img",
      "aria-label": "The skeleton at the chosen time. Arrow keys turn the view, plus and minus zoom.",
    });
    const labels = element("div", { class: "labels", "aria-hidden": "true" });
    const legend = element("p", { class: "legend" }, ...["left", "right"].map((side) => element("span", { class: `key ${side}` }, side)));
    const tools = element("div", { class: "tools" }, button("Centre", () => this.stage?.centre(performance.now())));
    const section = element("section", { class: "panel view", "aria-label": "Animation" }, canvas, labels, legend, tools);
    queueMicrotask(() => this.furnish(section, canvas, labels)); // it measures its place on the page
    return section;
  }

  private furnish(section: HTMLElement, canvas: HTMLCanvasElement, labels: HTMLElement): void {
    try {
      this.stage = new Stage(canvas, labels, () => undefined);
    } catch {
      section.append(element("p", { class: "notice" }, "This browser cannot draw in 3D"));
    }
  }

  private choice(): HTMLElement {
    const buttons = this.clips.map(({ person }, i) => button(`Person ${person.id}`, () => this.choose(i)));
    return element("nav", { class: "choice", "aria-label": "Person" }, ...buttons);
  }

  private choose(place: number): void {
    this.parts.forEach((parts, i) => parts.forEach((part) => part.classList.toggle("other", i !== place)));
    document.querySelectorAll(".choice button").forEach((one, i) => (one.ariaPressed = String(i === place)));
    this.moved = true;
  }

  private rebuild(printing: boolean): void {
    for (const one of this.angles) for (const chart of one.charts) chart.rebuild(printing);
    this.moved = true;
  }

  /** On paper: light, every person, everything unfolded. */
  private print(printing: boolean): void {
    document.documentElement.classList.toggle("print", printing);
    if (printing) this.folded = [...document.querySelectorAll("details")].filter((one) => !one.open);
    for (const one of this.folded) one.open = printing;
    this.rebuild(printing);
  }
}

function playerOf(clips: readonly Clip[]): Player {
  const start = Math.min(...clips.map((one) => one.start));
  const end = Math.max(...clips.map((one) => one.end));
  const longest = Math.max(1, ...clips.map((one) => one.times.length));
  if (clips.length === 0) return new Player(0, 0, 1);
  return new Player(start, end, (end - start) / Math.max(1, longest - 1) || 1);
}

function noAngles(angles: Angles): HTMLElement[] {
  if (angles.clip.person.coordinates.length > 0) return [];
  return [element("p", { class: "panel lacking" }, "No joint angles were computed for this recording.")];
}

function nobody(): HTMLElement {
  return element("p", { class: "panel lacking" }, "Nobody was found in this recording.");
}

const payload = readPayload();
if (payload) {
  const report = new Report(payload);
  window.kineliveReport = {
    player: report.player,
    projected: (person) => report.stage?.projected(person) ?? [],
    get framesRendered() {
      return report.stage?.framesRendered ?? 0;
    },
  };
} else document.body.append(element("p", { class: "panel lacking" }, "There is no report in this file."));

declare global {
  interface Window {
    /** What automated checks look at. */
    kineliveReport: {
      readonly player: Player;
      projected(person: number): number[][];
      readonly framesRendered: number;
    };
  }
}
