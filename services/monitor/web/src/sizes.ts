/** The size of each body: how far it is measured, and the buttons that freeze it or begin anew. */

import type { BodySize, FromPage, PersonAngles } from "./messages";

/** How far measuring is, in words. */
export function stateOf(size: BodySize): string {
  switch (size.state) {
    case "measuring":
      return `measuring ${size.frames}/${size.wanted_frames}`;
    case "frozen":
      return "frozen";
    case "frozen on request":
      return `frozen on request, from ${size.model_frames} upright frames`;
  }
}

/** Why freezing was refused; empty where it was not. */
export function refusalOf(size: BodySize): string {
  const n = size.lacking_frames;
  return n > 0 ? `Not frozen: ${n} more upright frame${n === 1 ? "" : "s"} needed` : "";
}

/** Persons are kept as long as they come, so that a button that has the focus keeps it. */
export class Sizes {
  private readonly rows = new Map<number, Row>();

  constructor(
    private readonly host: HTMLElement,
    private readonly ask: (words: FromPage) => void,
  ) {}

  draw(persons: readonly PersonAngles[]): void {
    this.host.hidden = persons.length === 0;
    const here = new Set(persons.map(({ id }) => id));
    for (const [id, row] of this.rows) if (!here.has(id)) this.drop(id, row);
    for (const { id, size } of persons) this.row(id).draw(size);
  }

  private row(person: number): Row {
    const found = this.rows.get(person) ?? new Row(person, this.ask);
    if (!this.rows.has(person)) {
      this.rows.set(person, found);
      const after = [...this.rows.keys()].filter((id) => id > person);
      this.host.insertBefore(found.element, after.length ? this.rows.get(Math.min(...after))!.element : null);
    }
    return found;
  }

  private drop(person: number, row: Row): void {
    row.element.remove();
    this.rows.delete(person);
  }
}

class Row {
  readonly element = document.createElement("div");
  private readonly state = document.createElement("span");
  private readonly refusal = document.createElement("span");
  private readonly freeze: HTMLButtonElement;
  private readonly again: HTMLButtonElement;

  constructor(person: number, ask: (words: FromPage) => void) {
    this.element.className = "size";
    this.element.dataset.person = String(person);
    const name = document.createElement("b");
    name.textContent = `Person ${person}`;
    this.state.className = "size-state";
    this.refusal.className = "size-refusal";
    this.refusal.setAttribute("role", "status");
    this.freeze = button("Freeze body size", person, "Keep the body model as it is now");
    this.freeze.onclick = () => ask({ freeze_size: person });
    this.again = button("Measure again", person, "Forget this body and measure it anew: no angles until then");
    this.again.onclick = () => ask({ measure_size: person });
    this.element.append(name, this.state, this.freeze, this.again, this.refusal);
  }

  draw(size: BodySize): void {
    const measuring = size.state === "measuring";
    put(this.state, stateOf(size));
    put(this.refusal, refusalOf(size));
    if (!measuring && document.activeElement === this.freeze) this.again.focus();
    this.freeze.hidden = !measuring;
  }
}

function button(text: string, person: number, title: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.ariaLabel = `${text}, person ${person}`;
  made.title = title;
  return made;
}

function put(host: HTMLElement, text: string): void {
  if (host.textContent !== text) host.textContent = text;
}
