/** Joint angles of the last ten seconds, of all persons. */

import { float32, type JointAngles } from "./messages";

export const WINDOW_S = 10;
const GAP_S = 0.5;
const DEGREES = 180 / Math.PI;

interface Sample {
  readonly t_s: number;
  readonly coordinates: readonly string[];
  readonly angle_rad: ReadonlyMap<number, Float32Array>;
}

/** Angle in degrees by time; null is a gap. */
export type Curve = (number | null)[];

export class Series {
  /** All samples ever taken. */
  taken = 0;
  private samples: Sample[] = [];

  add(angles: JointAngles): void {
    const t_s = angles.t_ns / 1e9;
    const last = this.samples.at(-1);
    if (last && t_s <= last.t_s) this.samples = []; // another run, or a replay began anew
    this.samples.push({
      t_s,
      coordinates: angles.coordinates,
      angle_rad: new Map(angles.persons.map((person) => [person.id, float32(person.angle_rad)])),
    });
    while (t_s - this.samples[0]!.t_s > WINDOW_S) this.samples.shift();
    this.taken += 1;
  }

  clear(): void {
    this.samples = [];
  }

  /** Persons in the newest sample. */
  get persons(): number[] {
    return [...(this.samples.at(-1)?.angle_rad.keys() ?? [])].sort((a, b) => a - b);
  }

  get newest_s(): number | null {
    return this.samples.at(-1)?.t_s ?? null;
  }

  /** Times of all samples, and one more in each gap so that no line bridges it. */
  times(): number[] {
    return this.samples.flatMap(({ t_s }, i) => (this.gapBefore(i) ? [t_s - GAP_S / 2, t_s] : [t_s]));
  }

  curve(person: number | null, names: readonly string[]): Curve {
    return this.samples.flatMap((sample, i) => {
      const value = valueOf(sample, person, names);
      return this.gapBefore(i) ? [null, value] : [value];
    });
  }

  newest(person: number | null, names: readonly string[]): number | null {
    const sample = this.samples.at(-1);
    return sample ? valueOf(sample, person, names) : null;
  }

  private gapBefore(i: number): boolean {
    return i > 0 && this.samples[i]!.t_s - this.samples[i - 1]!.t_s > GAP_S;
  }
}

function valueOf(sample: Sample, person: number | null, names: readonly string[]): number | null {
  const angles = person === null ? undefined : sample.angle_rad.get(person);
  const place = sample.coordinates.findIndex((name) => names.includes(name));
  const value = place < 0 ? undefined : angles?.[place];
  return value === undefined || Number.isNaN(value) ? null : value * DEGREES;
}
