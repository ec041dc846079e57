/** Where the viewer stands: framing a person, going there smoothly, following. */

import { PerspectiveCamera, Vector3 } from "three";
import type { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { bounds, hasJoint, type Figure } from "./figure";
import type { Standpoint } from "./room";

const GLIDE_MS = 700;
const FOLLOW_TAU_MS = 400;
const VOLUME_HEIGHT_M = 2.5;
const VOLUME_WIDTH_M = 2.2;
const CENTRE_HEIGHT_M = 0.92;
const EYE_RISE = 0.22;
const TURNED_RAD = 0.55;

interface Stand {
  readonly eye: Vector3;
  readonly target: Vector3;
}

export class Framing {
  following = true;
  private framed = false;
  private glide: { from: Stand; to: Stand; start: number } | null = null;
  private last = 0;

  constructor(
    private readonly camera: PerspectiveCamera,
    private readonly controls: OrbitControls,
  ) {
    controls.addEventListener("start", () => {
      this.framed = true; // the viewer took over
      this.glide = null;
    });
  }

  /** Stand where the whole room is seen, before anybody is in it. */
  overlook(standpoints: readonly Standpoint[]): void {
    this.framed = false;
    const target = new Vector3(0, 0, 0.9);
    const centres = standpoints.map((one) => one.centre);
    if (centres.length > 0) {
      for (const centre of centres) target.addScaledVector(centre, 1 / centres.length);
      target.setZ(0.9);
    }
    const away = Math.max(3, ...centres.map((one) => one.distanceTo(target))) * 1.5;
    const eye = new Vector3(0.6, -0.7, 0.45).normalize().multiplyScalar(away).add(target);
    this.stand({ eye, target });
  }

  /** Frame the first persons that come, once. */
  greet(figures: readonly Figure[], now: number): void {
    if (this.framed) return;
    const stand = this.before(figures);
    if (!stand) return;
    this.framed = true;
    this.go(stand, now);
  }

  /** Centre on the persons, from the side where we are. */
  centre(figures: readonly Figure[], now: number): void {
    const target = middle(figures);
    if (!target) return;
    const direction = this.camera.position.clone().sub(this.controls.target).normalize();
    this.go({ target, eye: direction.multiplyScalar(this.distance(figures)).add(target) }, now);
  }

  /** Move on; whether the view has changed. */
  step(figures: readonly Figure[], now: number): boolean {
    const passed = now - this.last;
    this.last = now;
    if (this.glide) return this.glideOn(now);
    if (!this.following) return false;
    const target = middle(figures);
    if (!target) return false;
    const move = target.sub(this.controls.target).multiplyScalar(1 - Math.exp(-passed / FOLLOW_TAU_MS));
    if (move.length() < 1e-4) return false;
    this.controls.target.add(move);
    this.camera.position.add(move);
    return true;
  }

  private glideOn(now: number): boolean {
    const { from, to, start } = this.glide!;
    const part = Math.min(1, (now - start) / GLIDE_MS);
    const eased = part * part * (3 - 2 * part);
    this.stand({
      eye: from.eye.clone().lerp(to.eye, eased),
      target: from.target.clone().lerp(to.target, eased),
    });
    if (part === 1) this.glide = null;
    return true;
  }

  private go(to: Stand, now: number): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.stand(to);
    else {
      const from = { eye: this.camera.position.clone(), target: this.controls.target.clone() };
      this.glide = { from, to, start: now };
    }
  }

  private stand({ eye, target }: Stand): void {
    this.camera.position.copy(eye);
    this.controls.target.copy(target);
  }

  /** Half from the front of the first one and a little from above, so that depth shows. */
  private before(figures: readonly Figure[]): Stand | null {
    const target = middle(figures);
    if (!target) return null;
    const ahead = facing(figures[0]!) ?? new Vector3(0.6, -0.8, 0);
    ahead.applyAxisAngle(new Vector3(0, 0, 1), TURNED_RAD).setZ(EYE_RISE).normalize();
    return { target, eye: ahead.multiplyScalar(this.distance(figures)).add(target) };
  }

  /** From which standing persons with stretched arms fill the picture. */
  private distance(figures: readonly Figure[]): number {
    const box = bounds(figures);
    const spread = box ? Math.hypot(box.high[0]! - box.low[0]!, box.high[1]! - box.low[1]!) : 0;
    const half = Math.tan((this.camera.fov * Math.PI) / 360);
    const width = Math.max(VOLUME_WIDTH_M, spread + VOLUME_WIDTH_M / 2);
    return Math.max(VOLUME_HEIGHT_M / 2 / half, width / 2 / (half * this.camera.aspect));
  }
}

/** Between the persons, at a fixed height: a squat or a jump is to be seen, not followed. */
function middle(figures: readonly Figure[]): Vector3 | null {
  const standing = figures.map(trunk).filter((point) => point !== null);
  if (standing.length === 0) return null;
  const sum = standing.reduce((a, b) => a.add(b));
  return sum.divideScalar(standing.length).setZ(CENTRE_HEIGHT_M);
}

/** Where a person stands: the pelvis, which arms and legs do not sway; else the middle of all. */
function trunk(figure: Figure): Vector3 | null {
  const hip = figure.shape.names.indexOf("Hip");
  if (hip >= 0 && hasJoint(figure, hip)) return new Vector3().fromArray(figure.joints, 3 * hip);
  const box = bounds([figure]);
  return box && new Vector3().fromArray(box.low).add(new Vector3().fromArray(box.high)).divideScalar(2);
}

/** Horizontal direction a person looks to, from the hips (or shoulders); null when unseen. */
function facing(figure: Figure): Vector3 | null {
  for (const part of ["Hip", "Shoulder"]) {
    const left = figure.shape.names.indexOf(`L${part}`);
    const right = figure.shape.names.indexOf(`R${part}`);
    if (left < 0 || right < 0 || !hasJoint(figure, left) || !hasJoint(figure, right)) continue;
    const point = (joint: number) => new Vector3().fromArray(figure.joints, 3 * joint);
    const leftward = point(left).sub(point(right)).setZ(0);
    if (leftward.length() > 1e-3) return leftward.cross(new Vector3(0, 0, 1)).normalize();
  }
  return null;
}
