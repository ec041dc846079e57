/** One person's arrays, decoded: where the markers are at a time, and the curves. */

import { shapeOf, type Figure, type Shape, type Side } from "../figure";
import { floats, type Coordinate, type Person } from "./payload";

export interface Curve {
  readonly coordinate: Coordinate;
  readonly values: Float32Array;
  /** Null where no uncertainty is known. */
  readonly sd: Float32Array | null;
}

export class Clip {
  readonly times: Float32Array;
  readonly curves: readonly Curve[];
  readonly error_mm: Float32Array | null;
  private readonly points: Float32Array;
  private readonly shape: Shape;

  constructor(readonly person: Person) {
    this.times = floats(person.times_s);
    this.points = worldOf(floats(person.points_m));
    this.shape = shaped(person);
    this.error_mm = person.error_mm === null ? null : floats(person.error_mm);
    this.curves = this.decodeCurves();
  }

  get start(): number {
    return this.times[0] ?? 0;
  }

  get end(): number {
    return this.times.at(-1) ?? 0;
  }

  /** Between the frames in proportion; null before the first and after the last. */
  at(time: number): Figure | null {
    const { times } = this;
    if (times.length === 0 || time < this.start - 1e-4 || time > this.end + 1e-4) return null;
    const after = Math.min(times.length - 1, this.indexAfter(time));
    const before = Math.max(0, after - 1);
    const span = times[after]! - times[before]!;
    const part = span > 0 ? Math.min(1, Math.max(0, (time - times[before]!) / span)) : 0;
    return this.figure(before, after, part);
  }

  /** Place of the frame that is nearest to a time. */
  nearest(time: number): number {
    const after = Math.min(this.times.length - 1, this.indexAfter(time));
    const before = Math.max(0, after - 1);
    return time - this.times[before]! < this.times[after]! - time ? before : after;
  }

  private figure(before: number, after: number, part: number): Figure {
    const n = this.person.markers.length;
    const joints = new Float32Array(3 * n);
    const confidence = new Float32Array(n);
    for (let i = 0; i < 3 * n; i++) {
      const [a, b] = [this.points[3 * n * before + i]!, this.points[3 * n * after + i]!];
      joints[i] = Number.isNaN(a) || Number.isNaN(b) ? (part < 0.5 ? a : b) : a + (b - a) * part;
    }
    for (let j = 0; j < n; j++) confidence[j] = Number.isNaN(joints[3 * j]!) ? 0 : 1;
    const covariance = new Float32Array(6 * n).fill(Number.NaN);
    return { id: this.person.id, shape: this.shape, joints, confidence, covariance, derived: 0 };
  }

  private indexAfter(time: number): number {
    let [low, high] = [0, this.times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private decodeCurves(): Curve[] {
    const { person } = this;
    const [n, values] = [this.times.length, floats(person.values)];
    const sd = person.sd === null ? null : floats(person.sd);
    return person.coordinates
      .filter((one) => one.drawn)
      .map((coordinate, q) => {
        const part = (all: Float32Array) => all.subarray(q * n, (q + 1) * n);
        return { coordinate, values: part(values), sd: sd && part(sd) };
      });
  }
}

/** Y up to Z up: X, Y, Z of a trc are Y, Z, X of the world. */
function worldOf(points: Float32Array): Float32Array {
  const turned = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    turned[i] = points[i + 2]!;
    turned[i + 1] = points[i]!;
    turned[i + 2] = points[i + 1]!;
  }
  return turned;
}

const SIDED = /^([LR])(?=[A-Z])|^([lrLR])[._]/;

function sideOf(marker: string): Side {
  const letter = SIDED.exec(marker)?.[0][0]?.toLowerCase();
  return letter === "l" ? "left" : letter === "r" ? "right" : "middle";
}

function shaped({ markers, bones }: Person): Shape {
  const sides = markers.map(sideOf);
  const boneSides = bones.map(([a, b]) => (sides[a] === "middle" ? sides[b]! : sides[a]!));
  const partner = markers.map((_, j) => j);
  return { ...shapeOf({ name: "markers", names: markers, bones, partner }), sides, boneSides };
}
