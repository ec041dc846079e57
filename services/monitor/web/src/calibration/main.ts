/** The page of a calibration: reads what is in its own file. */

import { button, element, table } from "../report/dom";
import { titled } from "../report/figures";
import { readTheme } from "../theme";
import { Card } from "./cards";
import { bandsOf, badge, headOf, listed } from "./head";
import { readPayload, type Payload, type Table } from "./payload";
import { enlargement } from "./points";
import { SpaceView } from "./space";
import "../report/report.css";
import "../report/print.css"; // after the other: it overrides
import "./calibration.css";

class Report {
  space: SpaceView | null = null;
  private readonly cards: readonly Card[];
  private readonly key = element("p", { class: "drawing-key quiet" });
  private folded: readonly HTMLDetailsElement[] = [];

  constructor(private readonly payload: Payload) {
    this.cards = payload.cameras.map((camera) => new Card(camera, payload));
    this.build();
    this.look(false);
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  private build(): void {
    const { payload } = this;
    const notes = listed("Keep in mind", payload.notes, "keep");
    const main = element("main", {}, ...this.room(), ...this.ofAll());
    const below = element("div", { class: "below" }, ...payload.tables.map(tableOf), ...notes);
    const cards = element("div", { class: this.isDrawn ? "cards" : "cards plain" }, ...this.cards.map((card) => card.element));
    document.body.append(headOf(payload), ...listed("What to do", payload.headline.remedies, "warnings"), main);
    if (this.isDrawn) document.body.append(this.legend());
    document.body.append(cards, below, bandsOf(payload));
  }

  private get isDrawn(): boolean {
    return this.payload.cameras.some((camera) => camera.views.length > 0);
  }

  private look(before: boolean): void {
    const { cameras, bones, seen } = this.payload;
    const enlarged = enlargement(cameras, false);
    for (const card of this.cards) card.draw({ enlarged, before, bones });
    document.querySelectorAll(".when button").forEach((one, i) => (one.ariaPressed = String((i === 0) === before)));
    const scale = enlarged === 1 ? "as long as it is off" : `${enlarged} times as long as it is off`;
    this.key.replaceChildren(
      element("span", { class: "key left" }, `where a ${seen} was seen`),
      element("span", { class: "key right" }, `arrow: towards where the calibration puts it, ${scale}`),
    );
  }

  private legend(): HTMLElement {
    const both = [button("Before", () => this.look(true)), button("After", () => this.look(false))];
    const when = this.payload.has_before ? [element("nav", { class: "when", "aria-label": "Calibration" }, ...both)] : [];
    return element("div", { class: "legend-line" }, element("h2", {}, "Each camera"), this.key, ...when);
  }

  private ofAll(): HTMLElement[] {
    const { of_all: all, cameras } = this.payload;
    const rows = all.map((one) => [one.name, one.value, badge(one.word)]);
    const parts = all.length > 0 ? [titled("All cameras together"), table(["Figure", "Value", ""], rows, 2)] : [];
    const names = cameras.flatMap(({ judged }) => judged.map((one) => one.name));
    const heads = [...new Set(names)];
    const each = cameras.map(({ name, judged, word }) => {
      const cells = heads.map((head) => judged.find((one) => one.name === head));
      const texts = cells.map((one) => (one ? element("span", { class: `value ${one.word}` }, one.value) : "–"));
      return [name, ...(word ? [badge(word)] : ["–"]), ...texts];
    });
    if (heads.length > 0) {
      const whole = table(["Camera", "", ...heads], each);
      parts.push(element("div", { class: "each" }, titled("Camera by camera"), whole));
    }
    return parts.length > 0 ? [element("section", { class: "panel about overview" }, ...parts)] : [];
  }

  private room(): HTMLElement[] {
    const { space } = this.payload;
    if (!space) return [];
    const canvas = element("canvas", {
      id: "scene",
      tabindex: "0",
      role: "img",
      "aria-label": "The cameras in 3D. Left and right arrow keys turn the view, plus and minus zoom.",
    });
    const labels = element("div", { class: "labels", "aria-hidden": "true" });
    const view = () => this.space;
    const tools = element(
      "div",
      { class: "tools" },
      ...[button("−", () => view()?.zoom(1.2)), button("+", () => view()?.zoom(1 / 1.2)), button("Whole", () => view()?.stand())],
    );
    ["Smaller", "Larger", "Show the whole"].forEach((label, i) => (tools.children[i]!.ariaLabel = label));
    const note = space.note ? [element("p", { class: "legend quiet" }, space.note)] : [];
    const section = element("section", { class: "panel view", "aria-label": "Cameras in 3D" }, canvas, labels, ...note, tools);
    queueMicrotask(() => {
      try {
        this.space = new SpaceView(space, canvas, labels); // it measures its place on the page
      } catch {
        section.append(element("p", { class: "notice" }, "This browser cannot draw in 3D"));
      }
    });
    return [section];
  }

  /** On paper: light, everything unfolded. */
  private print(printing: boolean): void {
    document.documentElement.classList.toggle("print", printing);
    if (printing) this.folded = [...document.querySelectorAll("details")].filter((one) => !one.open);
    for (const one of this.folded) one.open = printing;
    this.space?.paint(readTheme());
  }
}

function tableOf({ title, note, heads, rows, n_words, is_folded }: Table): HTMLElement {
  const words = note ? [element("p", { class: "quiet" }, note)] : [];
  const content = [...words, table(heads, rows, n_words)];
  const folded = () => element("details", {}, element("summary", {}, title), ...content);
  const parts = is_folded ? [folded()] : [titled(title), ...content];
  return element("section", { class: "panel about" }, ...parts);
}

const payload = readPayload();
if (payload) {
  const report = new Report(payload);
  window.kineliveCalibration = {
    projected: () => report.space?.projected() ?? [],
    get framesRendered() {
      return report.space?.framesRendered ?? 0;
    },
  };
} else document.body.append(element("p", { class: "panel lacking" }, "There is no report in this file."));

declare global {
  interface Window {
    /** What automated checks look at. */
    kineliveCalibration: { projected(): number[][]; readonly framesRendered: number };
  }
}
