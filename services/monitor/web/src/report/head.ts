/** The top of the page: what it is, and whether it can be trusted. */

import { element, numeral } from "./dom";
import type { Payload, Person } from "./payload";

const SIGNS = { good: "✓", usable: "≈", doubtful: "!" } as const;

export function headOf(payload: Payload): HTMLElement {
  const { word, reasons } = payload.verdict;
  const verdict = element(
    "section",
    { class: `verdict ${word}`, "aria-label": "Verdict" },
    element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[word]),
    element("p", {}, element("b", {}, word), " ", ...reasons.flatMap((one) => [one, " "])),
  );
  const title = element("div", {}, element("h1", {}, payload.title), element("p", { class: "quiet" }, payload.input));
  return element("header", { class: "head" }, title, verdict);
}

/** A person's line of figures. */
export function personLine(person: Person, several: boolean): HTMLElement {
  const length_s = person.n_frames / person.rate_hz;
  const entries: [string, string][] = [
    ["Height", numeral(person.height_m, 2, " m")],
    ["Mass", numeral(person.mass_kg, 0, " kg")],
    ["Duration", numeral(length_s, length_s < 100 ? 1 : 0, " s")],
    ["Frames", `${person.n_frames} at ${numeral(person.rate_hz, 0, " Hz")}`],
    ["Typical uncertainty", `± ${numeral(typicalDegrees(person), 1, "°")}`],
    ["Marker error", numeral(person.mean_error_mm, 0, " mm")],
  ];
  const known = entries.filter(([, text]) => !text.includes("–"));
  const cells = known.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  const who = several ? [element("h2", {}, `Person ${person.id}`)] : [];
  return element("div", { class: "person-line" }, ...who, element("dl", { class: "line" }, ...cells));
}

/** Median over the drawn angles of two standard deviations. */
function typicalDegrees(person: Person): number | null {
  const all = person.coordinates
    .filter((one) => one.drawn && one.unit === "°" && typeof one.sd === "number")
    .map((one) => 2 * one.sd!)
    .sort((a, b) => a - b);
  return all.length > 0 ? all[all.length >> 1]! : null;
}
