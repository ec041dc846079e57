/** A camera's part of the page: what it is worth, its pictures, its numbers, its views. */

import { button, element, numeral, table } from "../report/dom";
import { badge } from "./head";
import { drawCoverage, drawView, type Look } from "./drawing";
import type { Camera, Payload, View } from "./payload";
import { pointsOf, rmsOf } from "./points";

const MOST_OPEN = 3; // so many views that were left out stand open

/** A camera, drawn anew when the look changes. */
export class Card {
  readonly element: HTMLElement;
  private readonly one = element("div", { class: "drawn" });
  private readonly all = element("div", { class: "drawn" });
  private readonly choice = element("select", { "aria-label": "View" });
  private readonly said = element("p", { class: "quiet" });
  private readonly told = element("p", { class: "quiet" });
  private look: Look | null = null;

  constructor(
    private readonly camera: Camera,
    private readonly payload: Payload,
  ) {
    const { name, size_px: [width, height], word } = camera;
    const title = element("header", { class: "titled" }, element("h2", {}, name), ...(word ? [badge(word)] : []));
    title.append(element("span", { class: "quiet" }, `${width} × ${height} px`));
    this.element = element("section", { class: "panel card", "aria-label": name }, title);
    if (this.drawable) this.element.append(this.pictures());
    this.element.append(element("div", { class: "numbers" }, this.judged(), this.figures()), ...this.views());
    this.choice.onchange = () => this.redraw();
  }

  draw(look: Look): void {
    this.look = look;
    this.redraw();
  }

  private get drawable(): readonly View[] | null {
    const found = this.camera.views.filter((view) => view.n_seen > 0 || view.photo);
    return found.length > 0 ? found : null;
  }

  private redraw(): void {
    const views = this.drawable;
    if (!views || !this.look) return;
    const view = views[this.choice.selectedIndex] ?? views[0]!;
    const rms = rmsOf(pointsOf(view, this.look.before));
    const said = view.used ? `${numeral(rms, 2, " px")} off, root mean square` : `not used: ${view.reason}`;
    this.one.replaceChildren(drawView(this.camera, view, this.look));
    this.said.textContent = said;
    const cells = this.camera.coverage?.flat() ?? [];
    const covered = cells.length > 0 ? Math.round((100 * cells.filter((count) => count > 0).length) / cells.length) : 0;
    this.told.textContent = `${this.payload.seen}s in ${covered} % of the picture's cells; the stronger, the more`;
    this.all.replaceChildren(drawCoverage(this.camera, this.look));
  }

  private pictures(): HTMLElement {
    const views = this.drawable!;
    this.choice.append(...views.map((view) => element("option", {}, view.used ? view.name : `${view.name} (not used)`)));
    this.choice.selectedIndex = Math.max(0, views.findIndex((view) => view.photo));
    const step = (by: number) => {
      this.choice.selectedIndex = (this.choice.selectedIndex + by + views.length) % views.length;
      this.redraw();
    };
    const [back, on] = [button("‹", () => step(-1)), button("›", () => step(1))];
    [back.ariaLabel, on.ariaLabel] = ["View before", "Next view"];
    const chooser = element("div", { class: "chooser" }, back, this.choice, on);
    const head = (text: string) => element("h3", {}, text);
    const shown = element("figure", {}, head("One view"), this.one, element("figcaption", {}, chooser, this.said));
    const all = element("figure", {}, head("All views"), this.all, element("figcaption", {}, this.told));
    const [width, height] = this.camera.size_px;
    return element("div", { class: `pictures ${height > width ? "upright" : ""}` }, shown, all);
  }

  private judged(): HTMLElement {
    const rows = this.camera.judged.map((one) => {
      const value = element("dd", {}, one.value, " ", badge(one.word));
      return element("div", {}, element("dt", { title: one.means }, one.name), value);
    });
    return element("dl", { class: "facts judged" }, ...rows);
  }

  private figures(): HTMLElement {
    const rows = this.camera.figures.map((one) => {
      const note = one.note ? [element("span", { class: "quiet" }, ` ${one.note}`)] : [];
      return element("div", {}, element("dt", {}, one.name, ...note), element("dd", {}, one.value));
    });
    return element("dl", { class: "facts" }, ...rows);
  }

  private views(): HTMLElement[] {
    const { views } = this.camera;
    const [used, left] = [views.filter((view) => view.used), views.filter((view) => !view.used)];
    const parts: HTMLElement[] = [];
    if (left.length > 0) {
      const list = element("ul", { class: "left-out" }, ...left.map((view) => element("li", {}, element("b", {}, view.name), `: ${view.reason}`)));
      const words = `Left out: ${left.length} of ${views.length}`;
      const open: Record<string, string> = left.length <= MOST_OPEN ? { open: "" } : {};
      parts.push(element("details", open, element("summary", {}, words), list));
    }
    if (used.length > 0) {
      const rows = used.map((view) => [view.name, String(view.n_seen), numeral(view.rms_px, 2, " px")]);
      const heads = ["View", `${this.payload.seen}s`, "RMS"];
      parts.push(element("details", {}, element("summary", {}, `Used: ${used.length} views`), table(heads, rows)));
    }
    return parts;
  }
}
