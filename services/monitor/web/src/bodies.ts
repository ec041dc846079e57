/** Persons in the 3D view: joints, bones and a soft shadow, each one instanced mesh for all. */

import {
  CanvasTexture,
  Color,
  CylinderGeometry,
  Group,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  MeshLambertMaterial,
  PlaneGeometry,
  Quaternion,
  SphereGeometry,
  Vector3,
  type BufferGeometry,
  type Material,
} from "three";
import { Ellipsoids } from "./ellipsoids";
import { bounds, hasJoint, isDerived, MIN_CONFIDENCE, type Figure, type Side } from "./figure";
import type { Theme } from "./theme";

const MAX_PERSONS = 8;
const MAX_JOINTS = MAX_PERSONS * 32;
const JOINT_M = 0.026;
const BONE_M = 0.017;
const SHADOW_M = 1.1;
const STALE_OPACITY = 0.25;
const PALE = 0.8; // of the way to the background
const UP = new Vector3(0, 1, 0); // along which three.js lays its cylinders

export class Bodies {
  readonly group = new Group();
  readonly ellipsoids: Ellipsoids;
  private readonly solid = new MeshLambertMaterial();
  private readonly joints = instanced(new SphereGeometry(1, 18, 12), this.solid, MAX_JOINTS);
  private readonly bones = instanced(new CylinderGeometry(1, 1, 1, 12, 1), this.solid, MAX_JOINTS);
  private readonly shade = new MeshBasicMaterial({ transparent: true, depthWrite: false });
  private readonly shadows = instanced(new PlaneGeometry(1, 1), this.shade, MAX_PERSONS);
  private readonly colours: Record<Side, Color> = {
    left: new Color(),
    right: new Color(),
    middle: new Color(),
  };
  private readonly matrix = new Matrix4();
  private readonly turn = new Quaternion();
  private readonly a = new Vector3();
  private readonly b = new Vector3();
  private readonly size = new Vector3();
  private readonly tint = new Color();
  private readonly background = new Color();
  /** Who is in full colour; nobody named: everybody, each further one a little paler. */
  private pinned: ReadonlySet<number> = new Set();

  constructor(theme: Theme) {
    this.shade.map = shadowTexture();
    this.ellipsoids = new Ellipsoids(theme);
    this.group.add(this.shadows, this.bones, this.joints, this.ellipsoids.mesh);
    this.paint(theme);
  }

  paint(theme: Theme): void {
    for (const side of ["left", "right", "middle"] as const) this.colours[side].set(theme[side]);
    this.shade.color.set(theme.shadow);
    this.background.set(theme.faint);
    this.ellipsoids.paint(theme);
  }

  draw(figures: readonly Figure[], stale: boolean, pinned: ReadonlySet<number>): void {
    this.pinned = pinned;
    this.ellipsoids.draw(figures, pinned);
    for (const mesh of [this.joints, this.bones, this.shadows]) mesh.count = 0;
    figures.slice(0, MAX_PERSONS).forEach((figure, place) => {
      this.drawJoints(figure, place);
      this.drawBones(figure, place);
      this.drawShadow(figure);
    });
    for (const mesh of [this.joints, this.bones, this.shadows]) {
      mesh.instanceMatrix.needsUpdate = true;
      if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
    }
    this.solid.opacity = stale ? STALE_OPACITY : 1;
    if (this.solid.transparent !== stale) {
      this.solid.transparent = stale;
      this.solid.needsUpdate = true;
    }
  }

  private drawJoints(figure: Figure, place: number): void {
    const { shape } = figure;
    for (let j = 0; j < shape.names.length; j++) {
      if (!hasJoint(figure, j) || this.joints.count >= MAX_JOINTS) continue;
      const small = shape.minor[j] || isDerived(figure.derived, j) ? 0.6 : 1;
      const unsure = figure.confidence[j]! < MIN_CONFIDENCE ? 0.6 : 1;
      this.size.setScalar(JOINT_M * small * unsure);
      this.matrix.compose(this.position(figure, j, this.a), this.turn.identity(), this.size);
      this.add(this.joints, this.colour(shape.sides[j]!, figure, place));
    }
  }

  private drawBones(figure: Figure, place: number): void {
    figure.shape.bones.forEach(([from, to], bone) => {
      if (!hasJoint(figure, from) || !hasJoint(figure, to)) return;
      if (this.bones.count >= MAX_JOINTS) return;
      const start = this.position(figure, from, this.a);
      const along = this.position(figure, to, this.b).sub(start);
      const length = along.length();
      if (length < 1e-6) return;
      start.addScaledVector(along, 0.5);
      this.turn.setFromUnitVectors(UP, along.divideScalar(length));
      this.matrix.compose(start, this.turn, this.size.set(BONE_M, length, BONE_M));
      this.add(this.bones, this.colour(figure.shape.boneSides[bone]!, figure, place));
    });
  }

  private drawShadow(figure: Figure): void {
    const box = bounds([figure]);
    if (!box) return;
    const centre = [0, 1].map((k) => (box.low[k]! + box.high[k]!) / 2);
    this.a.set(centre[0]!, centre[1]!, 0.002);
    this.matrix.compose(this.a, this.turn.identity(), this.size.set(SHADOW_M, SHADOW_M, 1));
    this.add(this.shadows, null);
  }

  private add(mesh: InstancedMesh, colour: Color | null): void {
    mesh.setMatrixAt(mesh.count, this.matrix);
    if (colour) mesh.setColorAt(mesh.count, colour);
    mesh.count += 1;
  }

  /** Side colour; left and right stay apart in all persons. */
  private colour(side: Side, figure: Figure, place: number): Color {
    const tint = this.tint.copy(this.colours[side]);
    if (this.pinned.size === 0) return tint.lerp(this.colours.middle, Math.min(place * 0.22, 0.5));
    return this.pinned.has(figure.id) ? tint : tint.lerp(this.background, PALE);
  }

  private position(figure: Figure, joint: number, into: Vector3): Vector3 {
    return into.fromArray(figure.joints, 3 * joint);
  }
}

function instanced(geometry: BufferGeometry, material: Material, most: number): InstancedMesh {
  const mesh = new InstancedMesh(geometry, material, most);
  mesh.count = 0;
  mesh.frustumCulled = false; // its bounding sphere would be that of the first pose
  return mesh;
}

function shadowTexture(): CanvasTexture {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 128;
  const context = canvas.getContext("2d")!;
  const fade = context.createRadialGradient(64, 64, 0, 64, 64, 64);
  fade.addColorStop(0, "rgba(255, 255, 255, 0.5)");
  fade.addColorStop(0.5, "rgba(255, 255, 255, 0.18)");
  fade.addColorStop(1, "rgba(255, 255, 255, 0)");
  context.fillStyle = fade;
  context.fillRect(0, 0, 128, 128);
  return new CanvasTexture(canvas);
}
