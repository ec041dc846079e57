/** Naming a moment: a field for the name, and a button that says so once the rig has heard it. */

import type { Event, FromPage } from "./messages";

const TOLD_MS = 1500;
const MARK = "mark";

export class Marks {
  private readonly text: HTMLInputElement;
  private readonly button: HTMLButtonElement;
  private asked = false;
  private told = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly say: (words: FromPage) => void,
  ) {
    this.text = form.querySelector("input")!;
    this.button = form.querySelector("button")!;
    form.onsubmit = (event) => {
      event.preventDefault();
      this.mark();
    };
  }

  show(recording: boolean): void {
    this.form.hidden = !recording;
  }

  mark(): void {
    if (this.form.hidden) return;
    this.asked = true;
    this.say({ mark: this.text.value.trim() });
  }

  /** An event that comes back over the bus has reached the recorder, too. */
  take(event: Event): void {
    if (event.name !== MARK || !this.asked) return;
    this.asked = false;
    this.button.textContent = "Marked";
    clearTimeout(this.told);
    this.told = window.setTimeout(() => (this.button.textContent = "Mark"), TOLD_MS);
  }
}

/** Whether keys are letters of a text just now. */
export function isTyping(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLInputElement && event.target.type === "text";
}
