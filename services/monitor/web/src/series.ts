/** Joint angles of the last ten seconds, of all persons. */

import { float32, type JointAngles, type PersonAngles } from "./messages";

export const WINDOW_S = 10;
const GAP_S = 0.5;

interface Values {
  readonly said: PersonAngles;
  readonly value: Float32Array;
}

interface Sample {
  readonly t_s: number;
  readonly coordinates: readonly string[];
  readonly persons: ReadonlyMap<number, Values>;
}

/** A coordinate by time; null is a gap. */
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
      persons: new Map(angles.persons.map((said) => [said.id, { said, value: float32(said.value) }])),
    });
    while (t_s - this.samples[0]!.t_s > WINDOW_S) this.samples.shift();
    this.taken += 1;
  }

  /** Names of the newest sample. */
  get coordinates(): readonly string[] {
    return this.samples.at(-1)?.coordinates ?? [];
  }

  /** Persons in the newest sample. */
  get persons(): number[] {
    return [...(this.samples.at(-1)?.persons.keys() ?? [])].sort((a, b) => a - b);
  }

  /** What the newest sample says of a person. */
  said(person: number | null): PersonAngles | null {
    return person === null ? null : (this.samples.at(-1)?.persons.get(person)?.said ?? null);
  }

  get newest_s(): number | null {
    return this.samples.at(-1)?.t_s ?? null;
  }

  /** Times of all samples, and one more in each gap so that no line bridges it. */
  times(): number[] {
    return this.samples.flatMap(({ t_s }, i) => (this.gapBefore(i) ? [t_s - GAP_S / 2, t_s] : [t_s]));
  }

  /** Values of a coordinate times `scale`. */
  curve(person: number | null, name: string | undefined, scale: number): Curve {
    return this.samples.flatMap((sample, i) => {
      const value = valueOf(sample, person, name, scale);
      return this.gapBefore(i) ? [null, value] : [value];
    });
  }

  newest(person: number | null, name: string | undefined, scale: number): number | null {
    const sample = this.samples.at(-1);
    return sample ? valueOf(sample, person, name, scale) : null;
  }

  private gapBefore(i: number): boolean {
    return i > 0 && this.samples[i]!.t_s - this.samples[i - 1]!.t_s > GAP_S;
  }
}

/** Null also for what the markers do not tell: the model's guess is not drawn. */
function valueOf(
  sample: Sample,
  person: number | null,
  name: string | undefined,
  scale: number,
): number | null {
  const values = person === null ? undefined : sample.persons.get(person);
  const place = name === undefined ? -1 : sample.coordinates.indexOf(name);
  const value = values?.said.observed[place] ? values.value[place] : undefined;
  return value === undefined || Number.isNaN(value) ? null : value * scale;
}
