/** How sure each keypoint is: its ellipsoid of two standard deviations, one mesh for all persons. */

import { Color, InstancedMesh, Matrix4, MeshLambertMaterial, SphereGeometry } from "three";
import { diagonalise } from "./eigen";
import { hasJoint, type Figure } from "./figure";
import type { Theme } from "./theme";

const MOST = 8 * 32;
const SD = 2;
const LEAST_M = 1e-4; // an axis of nothing at all has no normal
const GOOD_M = 0.015;
const BAD_M = 0.08;
const OPACITY = 0.42;
const PALE = 0.7; // of the way to the background

export class Ellipsoids {
  readonly mesh: InstancedMesh;
  private readonly good = new Color();
  private readonly warn = new Color();
  private readonly bad = new Color();
  private readonly tint = new Color();
  private readonly background = new Color();
  private readonly matrix = new Matrix4();
  private readonly spread = new Float64Array(9);
  private readonly axes = new Float64Array(9);
  /** Longest half axis of the last one, metres. */
  private longest_m = 0;

  constructor(theme: Theme) {
    const material = new MeshLambertMaterial({ transparent: true, opacity: OPACITY, depthWrite: false });
    this.mesh = new InstancedMesh(new SphereGeometry(1, 20, 14), material, MOST);
    this.mesh.count = 0;
    this.mesh.visible = false;
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 2;
    this.paint(theme);
  }

  paint(theme: Theme): void {
    this.good.set(theme.good);
    this.warn.set(theme.warn);
    this.bad.set(theme.bad);
    this.background.set(theme.faint);
  }

  draw(figures: readonly Figure[], pinned: ReadonlySet<number>): void {
    this.mesh.count = 0;
    if (!this.mesh.visible) return;
    for (let i = 0; i < figures.length; i++) {
      const pale = pinned.size > 0 && !pinned.has(figures[i]!.id);
      this.drawFigure(figures[i]!, pale ? PALE : 0);
    }
    this.mesh.instanceMatrix.needsUpdate = true;
    if (this.mesh.instanceColor) this.mesh.instanceColor.needsUpdate = true;
  }

  private drawFigure(figure: Figure, pale: number): void {
    for (let j = 0; j < figure.shape.names.length && this.mesh.count < MOST; j++) {
      if (!hasJoint(figure, j) || !this.shape(figure, j)) continue;
      this.mesh.setMatrixAt(this.mesh.count, this.matrix);
      this.mesh.setColorAt(this.mesh.count, this.colour().lerp(this.background, pale));
      this.mesh.count += 1;
    }
  }

  /** Set the matrix to the ellipsoid of a joint; false where its covariance is not known. */
  private shape(figure: Figure, joint: number): boolean {
    const { covariance, joints } = figure;
    const a = this.spread;
    const v = this.axes;
    const at = 6 * joint;
    a[0] = covariance[at]!;
    a[4] = covariance[at + 1]!;
    a[8] = covariance[at + 2]!;
    a[1] = a[3] = covariance[at + 3]!;
    a[2] = a[6] = covariance[at + 4]!;
    a[5] = a[7] = covariance[at + 5]!;
    if (!Number.isFinite(a[0]! + a[4]! + a[8]! + a[1]! + a[2]! + a[5]!)) return false;
    if (a[0]! + a[4]! + a[8]! <= 0) return false;
    diagonalise(a, v);
    const x = half(a[0]!);
    const y = half(a[4]!);
    const z = half(a[8]!);
    this.longest_m = Math.max(x, y, z);
    const p = 3 * joint;
    this.matrix.set(
      v[0]! * x, v[1]! * y, v[2]! * z, joints[p]!,
      v[3]! * x, v[4]! * y, v[5]! * z, joints[p + 1]!,
      v[6]! * x, v[7]! * y, v[8]! * z, joints[p + 2]!,
      0, 0, 0, 1,
    );
    return true;
  }

  /** Small is good; between the ends by the logarithm of the size. */
  private colour(): Color {
    const part = Math.log(this.longest_m / GOOD_M) / Math.log(BAD_M / GOOD_M);
    const bounded = Math.min(1, Math.max(0, part));
    if (bounded < 0.5) return this.tint.copy(this.good).lerp(this.warn, 2 * bounded);
    return this.tint.copy(this.warn).lerp(this.bad, 2 * bounded - 1);
  }
}

function half(variance: number): number {
  return Math.max(LEAST_M, SD * Math.sqrt(Math.max(0, variance)));
}
