/** Running plots of joint coordinates: which are shown, and of whom. */

import { coordinatesOf, shownOf, type Coordinate } from "./coordinates";
import { isNames, recall, remember } from "./memory";
import type { JointAngles, PersonAngles } from "./messages";
import { MOST_PERSONS, Plot } from "./plot";
import { sayingOf } from "./saying";
import { Series } from "./series";
import { onThemeChange } from "./theme";

const STALE_MS = 1000;
const LEAST_MS = 66; // more often than this the eye sees no difference, and it costs
const CHOICE = "coordinates";

export interface PlotHosts {
  readonly plots: HTMLElement;
  readonly persons: HTMLElement;
  readonly coordinates: HTMLElement;
  readonly saying: HTMLElement;
}

export class Plots {
  readonly series = new Series();
  private all: readonly Coordinate[] = [];
  private plots: readonly Plot[] = [];
  private chosenNames = recall(CHOICE, isNames);
  private chosen: number | null = null;
  private pinned: ReadonlySet<number> = new Set();
  private fresh = false;
  private drawn = 0;
  private takenAt = 0;
  private says = "";

  constructor(private readonly hosts: PlotHosts) {
    onThemeChange(() => {
      this.plots.forEach((plot) => plot.rebuild());
      this.fresh = true;
    });
  }

  take(angles: JointAngles): void {
    this.series.add(angles);
    this.says = angles.says;
    this.fresh = true;
    this.takenAt = performance.now();
  }

  pin(pinned: ReadonlySet<number>): void {
    this.pinned = pinned;
    this.fresh = true;
  }

  frame(now: number): void {
    this.hosts.plots.classList.toggle("stale", now - this.takenAt > STALE_MS);
    if (!this.fresh || now - this.drawn < LEAST_MS) return;
    this.fresh = false;
    this.drawn = now;
    this.suit(this.series.coordinates);
    const persons = this.ofInterest();
    if (this.chosen === null || (persons.length > 0 && !persons.includes(this.chosen))) {
      this.chosen = persons[0] ?? null;
    }
    this.offer(persons);
    put(this.hosts.saying, sayingOf(this.series.said(this.chosen), this.says));
    const others = this.pinned.size > 1 ? persons.filter((id) => id !== this.chosen) : [];
    const shown = this.chosen === null ? [] : [this.chosen, ...others].slice(0, MOST_PERSONS);
    for (const plot of this.plots) plot.draw(this.series, shown);
  }

  get plotted(): string[] {
    return this.plots.map((plot) => plot.name);
  }

  /** What the newest angles say of those of interest. */
  get said(): PersonAngles[] {
    return this.ofInterest().flatMap((person) => this.series.said(person) ?? []);
  }

  private ofInterest(): number[] {
    const { persons } = this.series;
    return this.pinned.size === 0 ? persons : persons.filter((id) => this.pinned.has(id));
  }

  /** Suit the coordinates that come: another model has other ones. */
  private suit(names: readonly string[]): void {
    const known = this.all.flatMap((one) => Object.values(one.parts));
    if (names.length === known.length && names.every((name) => known.includes(name))) return;
    this.all = coordinatesOf(names);
    this.rebuild();
  }

  private rebuild(): void {
    const shown = shownOf(this.all, this.chosenNames);
    this.plots.forEach((plot) => plot.dispose());
    this.plots = this.all.filter((one) => shown.includes(one.name)).map((one) => new Plot(one));
    this.hosts.plots.replaceChildren(...this.plots.map((plot) => plot.element));
    this.hosts.coordinates.replaceChildren(...this.all.map((one) => this.box(one, shown)));
    this.fresh = true;
  }

  private box(coordinate: Coordinate, shown: readonly string[]): HTMLLabelElement {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = coordinate.name;
    box.checked = shown.includes(coordinate.name);
    box.onchange = () => this.choose(coordinate.name, box.checked);
    label.append(box, coordinate.title);
    return label;
  }

  private choose(name: string, yes: boolean): void {
    const before = shownOf(this.all, this.chosenNames).filter((one) => one !== name);
    this.chosenNames = yes ? [...before, name] : before;
    remember(CHOICE, this.chosenNames);
    this.rebuild();
    this.hosts.coordinates.querySelector<HTMLInputElement>(`[value="${CSS.escape(name)}"]`)?.focus();
  }

  /** Buttons for choosing the person, where there are several. */
  private offer(persons: readonly number[]): void {
    const host = this.hosts.persons;
    host.hidden = persons.length < 2;
    const key = persons.join(" ");
    if (host.dataset.persons !== key) {
      host.dataset.persons = key;
      host.replaceChildren(...persons.map((id) => this.button(id)));
    }
    for (const button of host.children) {
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

function put(host: HTMLElement, text: string): void {
  if (host.textContent !== text) host.textContent = text;
}
