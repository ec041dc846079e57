/** The time that animation, plots and slider share. */

const LONGEST_WHOLE_S = 20;
const WINDOW_S = 10;
const LONGEST_STEP_S = 0.25; // a tab that slept does not jump

export class Player {
  playing = false;
  speed = 1;
  time: number;
  private last: number | null = null;
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly start: number,
    readonly end: number,
    readonly step: number,
  ) {
    this.time = start;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Whether plots show a part at a time, for in the whole no movement could be seen. */
  get windowed(): boolean {
    return this.end - this.start > LONGEST_WHOLE_S;
  }

  /** What plots show: all of it, or the ten seconds that the time is in. */
  get window(): [number, number] {
    if (!this.windowed) return [this.start, this.end];
    const from = this.start + WINDOW_S * Math.floor((this.time - this.start) / WINDOW_S);
    return [from, from + WINDOW_S];
  }

  toggle(): void {
    this.playing = !this.playing && this.end > this.start;
    this.last = null;
    this.tell();
  }

  seek(time: number): void {
    this.time = Math.min(this.end, Math.max(this.start, time));
    this.tell();
  }

  /** One animation frame; after the end it begins anew. */
  frame(now: number): void {
    if (!this.playing) return;
    const passed = this.last === null ? 0 : Math.min(LONGEST_STEP_S, (now - this.last) / 1000);
    this.last = now;
    const next = this.time + passed * this.speed;
    this.seek(next > this.end ? this.start : next);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
