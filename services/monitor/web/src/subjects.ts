/** The persons as chips in the bar: pressed are those pinned, the subjects of interest. */

const MOST_CHIPS = 24;

export class Chips {
  private drawn = "";

  constructor(
    private readonly host: HTMLElement,
    private readonly toggle: (person: number) => void,
  ) {}

  /** Persons that are there, and pinned ones even when they are not. */
  draw(present: readonly number[], pinned: ReadonlySet<number>): void {
    const here = new Set(present);
    const all = [...new Set([...present, ...pinned])].sort((a, b) => a - b).slice(0, MOST_CHIPS);
    const key = all.map((id) => `${id}${here.has(id) ? "" : "-"}${pinned.has(id) ? "+" : ""}`).join(" ");
    if (key === this.drawn) return;
    this.drawn = key;
    this.host.hidden = all.length === 0;
    const focused = (document.activeElement as HTMLElement | null)?.dataset.subject;
    this.host.replaceChildren(...all.map((id) => this.chip(id, here.has(id), pinned.has(id))));
    if (focused) this.host.querySelector<HTMLElement>(`[data-subject="${focused}"]`)?.focus();
  }

  private chip(id: number, here: boolean, pinned: boolean): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = here ? "subject" : "subject away";
    button.dataset.subject = String(id);
    button.textContent = String(id);
    button.ariaPressed = String(pinned);
    button.ariaLabel = `Subject ${id}${here ? "" : ", not in view"}`;
    button.title = pinned ? "Pinned; click to let go" : "Pin: angles of pinned persons only";
    button.onclick = () => this.toggle(id);
    return button;
  }
}
