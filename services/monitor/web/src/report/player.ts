/** The time that animation, plots and slider share. */

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
