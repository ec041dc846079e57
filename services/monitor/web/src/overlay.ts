/** Keypoints and bones of a picture, drawn over it. */

import { isDerived, MIN_CONFIDENCE, type Shape, type Side } from "./figure";
import { float32, type Keypoints2D, type Person2D } from "./messages";
import type { Theme } from "./theme";

/** Where the picture lies on the canvas. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  /** Canvas pixels per pixel of the picture as captured. */
  readonly scale: number;
  /** Canvas pixels per unit of line width. */
  readonly density: number;
}

const BONE = 2.4;
const JOINT = 2.6;
const MINOR = 1.7;
const MIDDLE = "#e4e8ed"; // pictures stay as they are in a light theme
const HALO = "rgba(6, 9, 13, 0.55)";

export function drawPeople(
  context: CanvasRenderingContext2D,
  people: Keypoints2D,
  shape: Shape,
  placement: Placement,
  theme: Theme,
): void {
  context.lineCap = "round";
  for (const person of people.persons) {
    const points = pointsOf(person, placement);
    drawBones(context, points, shape, placement.density, theme);
    drawJoints(context, points, shape, people.derived, placement.density, theme);
  }
}

type Point = readonly [number, number] | null;

/** Canvas positions; null for what is not shown. */
function pointsOf(person: Person2D, { x, y, scale }: Placement): Point[] {
  const pixels = float32(person.keypoints_px);
  return Array.from(float32(person.confidence), (confidence, j): Point => {
    const [u, v] = [pixels[2 * j]!, pixels[2 * j + 1]!];
    if (!(confidence >= MIN_CONFIDENCE) || !Number.isFinite(u) || !Number.isFinite(v)) return null;
    return [x + u * scale, y + v * scale];
  });
}

function drawBones(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  shape: Shape,
  density: number,
  theme: Theme,
): void {
  for (const halo of [true, false]) {
    context.lineWidth = (halo ? BONE + 1.6 : BONE) * density;
    for (const side of ["middle", "right", "left"] as Side[]) {
      context.strokeStyle = halo ? HALO : colourOf(side, theme);
      context.beginPath();
      shape.bones.forEach(([from, to], bone) => {
        const [a, b] = [points[from], points[to]];
        if (!a || !b || shape.boneSides[bone] !== side) return;
        context.moveTo(...a);
        context.lineTo(...b);
      });
      context.stroke();
    }
  }
}

function drawJoints(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  shape: Shape,
  derived: number,
  density: number,
  theme: Theme,
): void {
  points.forEach((point, j) => {
    if (!point) return;
    const radius = (shape.minor[j] ? MINOR : JOINT) * density;
    const colour = colourOf(shape.sides[j]!, theme);
    context.beginPath();
    context.arc(...point, radius, 0, 2 * Math.PI);
    context.fillStyle = isDerived(derived, j) ? HALO : colour;
    context.fill();
    context.lineWidth = 1.2 * density;
    context.strokeStyle = isDerived(derived, j) ? colour : HALO;
    context.stroke();
  });
}

function colourOf(side: Side, theme: Theme): string {
  return side === "middle" ? MIDDLE : theme[side];
}
