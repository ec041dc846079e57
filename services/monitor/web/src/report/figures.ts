/** A person's numbers as tables, and as CSV on the clipboard. */

import { button, element, numeral, table } from "./dom";
import type { Coordinate, Person } from "./payload";

const SAID_MS = 2500;

export function figuresOf(person: Person, groups: readonly string[]): HTMLElement {
  const section = element("section", { class: "figures" });
  const drawn = person.coordinates.filter((one) => one.drawn);
  if (drawn.length > 0) section.append(...motionTable(person, paired(drawn, groups)));
  if (person.marker_error_mm.length > 0) section.append(...markerTable(person));
  return section;
}

/** In the order of the plots: by group, left beside right. */
function paired(drawn: readonly Coordinate[], groups: readonly string[]): Coordinate[] {
  const titles = drawn.map((one) => one.title);
  const key = ({ group, title, side }: Coordinate) => [
    groups.indexOf(group),
    titles.indexOf(title),
    side === "right" ? 1 : 0,
  ];
  const keyed = drawn.map((one) => ({ one, by: key(one) }));
  keyed.sort((a, b) => a.by.map((v, i) => v - b.by[i]!).find((difference) => difference) ?? 0);
  return keyed.map(({ one }) => one);
}

function motionTable(person: Person, drawn: readonly Coordinate[]): HTMLElement[] {
  const copy = button("Copy as CSV", () => void copied(copy, csvOf(person)));
  copy.className = "copy";
  const rows = drawn.map((one) => {
    const [digits, unit] = one.unit === "m" ? [3, " m"] : [1, "°"];
    const shown = (value: number | null | undefined) => numeral(value, digits, unit);
    const twice = one.sd === null || one.sd === undefined ? null : 2 * one.sd;
    const title = element("span", { class: one.side ? `key ${one.side}` : "" }, [one.title, one.side].filter(Boolean).join(", "));
    const seen = numeral(100 * one.observed, 0, " %");
    return [title, shown(one.range), shown(one.min), shown(one.max), shown(one.mean), shown(twice), seen];
  });
  const heads = ["Coordinate", "Range of motion", "Min", "Max", "Mean", "± 2 sd", "Observed"];
  const note = `Of all ${person.n_frames} frames. ± 2 sd is the mean uncertainty of a single value.`;
  return [titled("Range of motion", copy), element("p", { class: "quiet" }, note), table(heads, rows)];
}

function markerTable(person: Person): HTMLElement[] {
  const sorted = [...person.marker_error_mm].sort((a, b) => (b[1] ?? -1) - (a[1] ?? -1));
  const most = Math.max(1, ...sorted.map(([, mm]) => mm ?? 0));
  const rows = sorted.map(([name, mm]) => [name, numeral(mm, 0, " mm"), bar((mm ?? 0) / most)]);
  const said = `Root mean square over the frames; ${numeral(person.mean_error_mm, 0, " mm")} over all on average.`;
  return [
    titled("Marker error"),
    element("p", { class: "quiet" }, said),
    element("div", { class: "marker-errors" }, table(["Marker", "RMS", ""], rows)),
  ];
}

export function titled(text: string, ...more: Node[]): HTMLElement {
  return element("header", { class: "titled" }, element("h3", {}, text), ...more);
}

export function bar(share: number, kind = ""): HTMLElement {
  const filled = element("i");
  filled.style.width = `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  return element("span", { class: `bar-part ${kind}` }, filled);
}

export function csvOf(person: Person): string {
  const heads = ["coordinate", "unit", "range_of_motion", "min", "max", "mean", "mean_sd", "observed"];
  const exact = (value: number | null | undefined) =>
    value === null || value === undefined ? "" : String(Number(value.toPrecision(7)));
  const rows = person.coordinates
    .filter((one) => one.drawn)
    .map((one) => {
      const unit = one.unit === "m" ? "m" : "deg";
      const figures = [one.range, one.min, one.max, one.mean, one.sd, one.observed].map(exact);
      return [quoted(one.name), unit, ...figures].join(",");
    });
  return [heads.join(","), ...rows, ""].join("\n");
}

/** A name that a spreadsheet would read as a formula is led by an apostrophe. */
function quoted(name: string): string {
  const safe = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function copied(pressed: HTMLButtonElement, text: string): Promise<void> {
  const [before, done] = [pressed.textContent, await toClipboard(text)];
  pressed.textContent = done ? "Copied" : "The browser forbids copying";
  setTimeout(() => (pressed.textContent = before), SAID_MS);
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // a file from disk may not have the clipboard's interface
  }
}

function copyBySelection(text: string): boolean {
  const area = element("textarea", { class: "unseen" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
