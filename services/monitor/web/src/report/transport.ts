/** Play, slider, time, speed: at the lower edge of the window, wherever the page is scrolled to. */

import { colourOfEvent } from "./chart";
import { button, element } from "./dom";
import type { Player } from "./player";

const MOST_MARKS = 60; // more would be a bar, not marks
const SPEEDS = [0.1, 0.25, 0.5, 1, 2];

export class Transport {
  readonly element = element("footer", { class: "transport" });
  private readonly play: HTMLButtonElement;
  private readonly slider = element("input", { type: "range", id: "scrub", "aria-label": "Time" });
  private readonly clock = element("output", { for: "scrub", id: "time" });

  constructor(
    private readonly player: Player,
    events: readonly (readonly [number, string])[],
  ) {
    this.play = button("", () => player.toggle());
    this.play.id = "play";
    this.slider.min = String(player.start);
    this.slider.max = String(player.end);
    this.slider.step = String(player.step);
    this.slider.oninput = () => player.seek(this.slider.valueAsNumber);
    const marks = events.length > MOST_MARKS ? [] : events.map((one) => this.tick(...one));
    const track = element("div", { class: "track" }, ...marks, this.slider);
    this.element.append(this.play, track, this.clock, this.speeds());
    document.addEventListener("keydown", (event) => this.key(event));
    player.onChange(() => this.show());
    this.show();
  }

  private show(): void {
    const { playing, time, end } = this.player;
    this.play.textContent = playing ? "Pause" : "Play";
    this.play.classList.toggle("on", playing);
    this.slider.value = String(time);
    this.clock.textContent = `${time.toFixed(2)} / ${end.toFixed(2)} s`;
  }

  private tick(time: number, name: string): HTMLElement {
    const share = (time - this.player.start) / Math.max(1e-9, this.player.end - this.player.start);
    const mark = element("i", { class: colourOfEvent(name), title: `${name}, ${time.toFixed(2)} s` });
    mark.style.setProperty("--at", share.toFixed(4));
    return mark;
  }

  private speeds(): HTMLElement {
    const options = SPEEDS.map((speed) => element("option", { value: String(speed) }, `${speed}×`));
    const choice = element("select", { id: "speed", "aria-label": "Speed" }, ...options);
    choice.value = String(this.player.speed);
    choice.onchange = () => (this.player.speed = Number(choice.value));
    return choice;
  }

  private key(event: KeyboardEvent): void {
    const takesKeys = event.target instanceof HTMLElement && event.target.closest("button, select, summary, textarea");
    if (event.key !== " " || takesKeys) return;
    event.preventDefault();
    this.player.toggle();
  }
}
