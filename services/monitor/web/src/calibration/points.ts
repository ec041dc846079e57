/** The points of a view as numbers, and how much its arrows are enlarged. */

import { floats } from "../report/payload";
import type { Camera, View } from "./payload";

export interface Seen {
  readonly x: number;
  readonly y: number;
  /** Where the calibration puts it less where it was seen; NaN where unknown. */
  readonly dx: number;
  readonly dy: number;
}

/** All points of a view, also those that were not seen: NaN. */
export function pointsOf(view: View, before: boolean): Seen[] {
  const numbers = floats(view.points_px);
  const width = view.n_columns;
  const put = before && width > 4 ? 4 : 2;
  return Array.from({ length: numbers.length / width }, (_, i) => {
    const at = (k: number) => numbers[i * width + k]!;
    return { x: at(0), y: at(1), dx: at(put) - at(0), dy: at(put + 1) - at(1) };
  });
}

export const isSeen = (one: Seen) => Number.isFinite(one.x + one.y);
export const isPut = (one: Seen) => Number.isFinite(one.x + one.y + one.dx + one.dy);

/** Root mean square of how far points are off, px; NaN where that is not known. */
export function rmsOf(points: readonly Seen[]): number {
  const squares = points.filter(isPut).map(({ dx, dy }) => dx * dx + dy * dy);
  return Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length);
}

const ARROW_SHARE = 0.03; // of the picture's longer side: what the median arrow is drawn as
const STEPS = [1, 2, 5];

/** One factor for all cameras, so that they can be compared: 1, 2, 5, 10 … */
export function enlargement(cameras: readonly Camera[], before: boolean): number {
  const shares = cameras.flatMap(({ views, size_px }) =>
    views
      .filter((view) => view.used)
      .flatMap((view) => pointsOf(view, before).filter(isPut))
      .map(({ dx, dy }) => Math.hypot(dx, dy) / Math.max(...size_px)),
  );
  shares.sort((a, b) => a - b);
  const wanted = ARROW_SHARE / (shares[shares.length >> 1] || ARROW_SHARE);
  const power = 10 ** Math.floor(Math.log10(Math.max(1, wanted)));
  return power * Math.max(...STEPS.filter((step) => step * power <= Math.max(1, wanted)));
}
