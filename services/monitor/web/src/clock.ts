/** The rig clock as the page knows it, and how old a pose is when it is on the screen. */

import type { Pong, ScreenLatency } from "./messages";

const SAMPLE_LIFE_MS = 60_000;
const LATENCY_WINDOW_MS = 10_000;

interface Exchange {
  readonly at: number;
  readonly roundTrip: number;
  readonly offset: number;
}

/** Follows the rig clock by pings; the exchange with the least round trip of a minute counts. */
export class RigClock {
  private exchanges: Exchange[] = [];
  private best: Exchange | null = null;

  take(answer: Pong, now: number): void {
    const roundTrip = now - answer.pong;
    const offset = answer.rig_ns / 1e6 - (answer.pong + roundTrip / 2);
    this.exchanges = this.exchanges.filter((one) => now - one.at < SAMPLE_LIFE_MS);
    this.exchanges.push({ at: now, roundTrip, offset });
    this.best = this.exchanges.reduce((a, b) => (b.roundTrip < a.roundTrip ? b : a));
  }

  /** Another server may have another clock. */
  forget(): void {
    this.exchanges = [];
    this.best = null;
  }

  /** Rig time in ms at `now` of performance.now(); null before the first exchange. */
  at(now: number): number | null {
    return this.best && now + this.best.offset;
  }
}

/** Latencies of the last ten seconds. */
export class LatencyWindow {
  private seen: { at: number; ms: number }[] = [];

  add(at: number, ms: number): void {
    this.seen.push({ at, ms });
  }

  summary(now: number): ScreenLatency | null {
    this.seen = this.seen.filter((one) => now - one.at < LATENCY_WINDOW_MS);
    if (this.seen.length === 0) return null;
    const sorted = this.seen.map((one) => one.ms).sort((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
    return { p50_ms: quantile(0.5), p95_ms: quantile(0.95) };
  }
}
