/** The top of the page: what it is, what it is worth, what to do; and what the words mean. */

import { element, table } from "../report/dom";
import type { Payload, Word } from "./payload";

const SIGNS: Readonly<Record<Word, string>> = { good: "✓", acceptable: "≈", redo: "!" };
/** The colours are those of a recording's verdict. */
const TONES: Readonly<Record<Word, string>> = { good: "good", acceptable: "usable", redo: "doubtful" };

export function badge(word: Word): HTMLElement {
  return element("span", { class: `badge ${TONES[word]}` }, word);
}

export function headOf({ title, input, headline }: Payload): HTMLElement {
  const { word, lead, reasons } = headline;
  const said = element("p", {}, element("b", {}, word), " ", element("strong", {}, lead), " ", reasons.join(" "));
  const sign = element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[word]);
  const verdict = element("section", { class: `verdict ${TONES[word]}`, "aria-label": "Verdict" }, sign, said);
  const named = element("div", {}, element("h1", {}, title), element("p", { class: "quiet" }, input));
  return element("header", { class: "head" }, named, verdict);
}

export function listed(title: string, said: readonly string[], kind: string): HTMLElement[] {
  if (said.length === 0) return [];
  const list = element("ul", {}, ...said.map((one) => element("li", {}, one)));
  return [element("section", { class: `panel ${kind}` }, element("header", { class: "titled" }, element("h3", {}, title)), list)];
}

/** The limits, folded: they are for those who ask. */
export function bandsOf({ bands, kinelive }: Payload): HTMLElement {
  const rows = bands.map((one) => [one.name, one.good, one.acceptable, one.means, one.remedy]);
  const heads = ["What", "Good", "Acceptable", "What it tells", "Where it is not good"];
  const words = element("p", { class: "quiet" }, "Beyond acceptable: redo. The worst figure of the worst camera decides.");
  const folded = element("details", { class: "bands" }, element("summary", {}, "What good, acceptable and redo mean"), words, table(heads, rows, heads.length));
  return element("section", { class: "panel about" }, folded, element("p", { class: "quiet" }, `kinelive ${kinelive}`));
}
