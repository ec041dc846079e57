/** Persons as the page draws them: sides, sizes, joints as numbers. */

import { float32, type Pose3D, type SkeletonShape } from "./messages";

export type Side = "left" | "right" | "middle";

export const MIN_CONFIDENCE = 0.3;

/** A skeleton with what drawing needs. */
export interface Shape extends SkeletonShape {
  readonly sides: readonly Side[];
  readonly boneSides: readonly Side[];
  /** Joints that no bone meets, such as eyes and ears, are drawn small. */
  readonly minor: readonly boolean[];
}

export interface Figure {
  readonly id: number;
  readonly shape: Shape;
  /** (J, 3) metres, NaN where missing. */
  readonly joints: Float32Array;
  readonly confidence: Float32Array;
  /** (J, 6) m²: xx, yy, zz, xy, xz, yz. */
  readonly covariance: Float32Array;
  readonly derived: number;
}

export function shapeOf(skeleton: SkeletonShape): Shape {
  const sides = skeleton.names.map((name, j): Side => {
    if (skeleton.partner[j] === j) return "middle";
    return name.startsWith("L") ? "left" : "right";
  });
  const met = new Set(skeleton.bones.flat());
  return {
    ...skeleton,
    sides,
    boneSides: skeleton.bones.map(([a, b]) => (sides[a] === "middle" ? sides[b]! : sides[a]!)),
    minor: skeleton.names.map((_, j) => !met.has(j)),
  };
}

export function figuresOf(pose: Pose3D, shape: Shape): Figure[] {
  return pose.persons.map((person) => ({
    id: person.id,
    shape,
    joints: float32(person.keypoints_m),
    confidence: float32(person.confidence),
    covariance: float32(person.covariance_m2),
    derived: pose.derived,
  }));
}

export function isDerived(derived: number, joint: number): boolean {
  return Math.floor(derived / 2 ** joint) % 2 === 1;
}

export function hasJoint(figure: Figure, joint: number): boolean {
  return figure.confidence[joint]! > 0 && Number.isFinite(figure.joints[3 * joint]!);
}

/** Smallest box around the joints that are there; null when none is. */
export function bounds(figures: readonly Figure[]): { low: number[]; high: number[] } | null {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const figure of figures) {
    for (let j = 0; j < figure.confidence.length; j++) {
      if (!hasJoint(figure, j)) continue;
      for (let k = 0; k < 3; k++) {
        low[k] = Math.min(low[k]!, figure.joints[3 * j + k]!);
        high[k] = Math.max(high[k]!, figure.joints[3 * j + k]!);
      }
    }
  }
  return Number.isFinite(low[0]) ? { low, high } : null;
}
