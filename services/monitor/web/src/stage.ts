/** The 3D view: renders when something changed, not otherwise, so that it costs little. */

import {
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  PerspectiveCamera,
  Scene,
  Spherical,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Bodies } from "./bodies";
import { bounds, type Figure } from "./figure";
import { Framing } from "./framing";
import { Labels, type Label } from "./labels";
import type { CalibratedCamera } from "./messages";
import { Room, type Standpoint } from "./room";
import { onThemeChange, readTheme, type Theme } from "./theme";

const MOST_PIXEL_RATIO = 2;
const KEY_TURN_RAD = 0.09;
const KEY_ZOOM = 1.1;
const CLICK_PX = 5; // a pointer that moves further turns the view
const PICK_PX = 26;

export class Stage {
  framesRendered = 0;
  readonly framing: Framing;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(34, 1, 0.05, 100);
  private readonly controls: OrbitControls;
  private readonly bodies: Bodies;
  private readonly labels: Labels;
  private readonly lamp = new DirectionalLight(0xffffff, 1.9);
  private room: Room;
  private figures: readonly Figure[] = [];
  private stale = false;
  private changed = true;
  private pinned: ReadonlySet<number> = new Set();
  private readonly point = new Vector3();

  /** Throws where the browser has no WebGL. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    labelHost: HTMLElement,
    onPick: (person: number) => void,
  ) {
    const theme = readTheme();
    this.renderer = new WebGLRenderer({ canvas, antialias: true });
    this.camera.up.set(0, 0, 1); // before the controls, which take it over once
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.dampingFactor = 0.12;
    this.controls.minDistance = 0.5;
    this.controls.maxDistance = 25;
    this.controls.maxPolarAngle = Math.PI * 0.54;
    this.controls.addEventListener("change", () => (this.changed = true));
    this.framing = new Framing(this.camera, this.controls);
    this.labels = new Labels(labelHost);
    this.bodies = new Bodies(theme);
    this.room = new Room([], theme);
    this.scene.add(this.bodies.group, this.room.group, new HemisphereLight(0xffffff, 0x8891a0, 1.7));
    this.scene.add(this.lamp);
    this.paint(theme);
    onThemeChange((now) => this.paint(now));
    new ResizeObserver(() => this.fit()).observe(canvas.parentElement!);
    canvas.addEventListener("keydown", (event) => this.key(event));
    onClick(canvas, (x, y) => {
      const person = this.personAt(x, y);
      if (person !== null) onPick(person);
    });
    this.fit();
    this.framing.overlook([]);
  }

  /** Other cameras, or other places of them; `anew`: look at them all as at the beginning. */
  furnish(cameras: readonly CalibratedCamera[], anew = true): void {
    this.scene.remove(this.room.group);
    this.room.dispose();
    this.room = new Room(cameras, readTheme());
    this.scene.add(this.room.group);
    if (anew) this.framing.overlook(this.room.standpoints);
    this.changed = true;
  }

  show(figures: readonly Figure[], stale: boolean, now: number): void {
    this.figures = figures;
    this.stale = stale;
    this.bodies.draw(figures, stale, this.pinned);
    if (!stale) this.framing.greet(this.ofInterest, now);
    this.changed = true;
  }

  /** Who is shown in full colour, followed and centred on; none: everybody. */
  pin(pinned: ReadonlySet<number>): void {
    this.pinned = pinned;
    this.redraw();
  }

  showEllipsoids(yes: boolean): void {
    this.bodies.ellipsoids.mesh.visible = yes;
    this.redraw();
  }

  get ellipsoids(): number {
    return this.bodies.ellipsoids.mesh.count;
  }

  get drawCalls(): number {
    return this.renderer.info.render.calls;
  }

  private get ofInterest(): readonly Figure[] {
    if (this.pinned.size === 0) return this.figures;
    const pinned = this.figures.filter((figure) => this.pinned.has(figure.id));
    return pinned.length > 0 ? pinned : this.figures;
  }

  private redraw(): void {
    this.bodies.draw(this.figures, this.stale, this.pinned);
    this.changed = true;
  }

  /** One animation frame; whether it drew. */
  frame(now: number): boolean {
    if (this.framing.step(this.ofInterest, now)) this.changed = true;
    this.controls.update();
    if (!this.changed) return false;
    this.changed = false;
    this.lamp.position.copy(this.camera.position).setZ(this.camera.position.z + 1.5);
    const cameras = this.room.reveal(this.camera.position, this.controls.target);
    this.renderer.render(this.scene, this.camera);
    const { clientWidth, clientHeight } = this.canvas;
    this.labels.draw(this.allLabels(cameras), this.camera, clientWidth, clientHeight);
    this.framesRendered += 1;
    return true;
  }

  centre(now: number): void {
    this.framing.centre(this.ofInterest, now);
    this.changed = true;
  }

  /** Joints of a person in CSS pixels of the canvas, [NaN, NaN] where missing. */
  projected(person: number): number[][] {
    const joints = this.figures[person]?.joints ?? new Float32Array();
    const point = this.point;
    return Array.from({ length: joints.length / 3 }, (_, j) => {
      point.fromArray(joints, 3 * j).project(this.camera);
      return [
        ((point.x + 1) / 2) * this.canvas.clientWidth,
        ((1 - point.y) / 2) * this.canvas.clientHeight,
      ];
    });
  }

  /** The person of whom a joint or a bone's middle is nearest to a place on the canvas. */
  private personAt(x: number, y: number): number | null {
    let best: number | null = null;
    let least = PICK_PX;
    this.figures.forEach((figure, i) => {
      const places = this.projected(i);
      const middles = figure.shape.bones.map(([a, b]) =>
        places[a]!.map((value, k) => (value + places[b]![k]!) / 2),
      );
      for (const [u, v] of [...places, ...middles]) {
        const distance = Math.hypot(u! - x, v! - y);
        if (distance < least) [best, least] = [figure.id, distance];
      }
    });
    return best;
  }

  private allLabels(standpoints: readonly Standpoint[]): Label[] {
    const cameras = standpoints.map(({ name, centre, axis }): Label => {
      return { text: name, kind: "camera", at: centre.clone().addScaledVector(axis, -0.12) };
    });
    const axes = (["X", "Y", "Z"] as const).map((text, k): Label => {
      const at = new Vector3();
      return { text, kind: "axis", at: at.setComponent(k, 0.43) };
    });
    return [...cameras, ...axes, ...(this.figures.length > 1 ? this.personLabels() : [])];
  }

  private personLabels(): Label[] {
    return this.figures.flatMap((figure): Label[] => {
      const box = bounds([figure]);
      if (!box) return [];
      const [x, y] = [0, 1].map((k) => (box.low[k]! + box.high[k]!) / 2);
      const kind = this.pinned.has(figure.id) ? "person pinned" : "person";
      return [{ text: `${figure.id}`, kind, at: new Vector3(x, y, box.high[2]! + 0.18) }];
    });
  }

  private paint(theme: Theme): void {
    this.scene.background = new Color(theme.faint);
    this.scene.fog = new Fog(theme.faint, 6, 20);
    this.bodies.paint(theme);
    this.room.paint(theme);
    this.redraw();
  }

  private fit(): void {
    const { clientWidth, clientHeight } = this.canvas.parentElement!;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, MOST_PIXEL_RATIO));
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    this.changed = true;
  }

  private key(event: KeyboardEvent): void {
    const turns: Record<string, [number, number, number]> = {
      ArrowLeft: [-KEY_TURN_RAD, 0, 1],
      ArrowRight: [KEY_TURN_RAD, 0, 1],
      ArrowUp: [0, -KEY_TURN_RAD, 1],
      ArrowDown: [0, KEY_TURN_RAD, 1],
      "+": [0, 0, 1 / KEY_ZOOM],
      "-": [0, 0, KEY_ZOOM],
    };
    const turn = turns[event.key];
    if (!turn || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.orbit(...turn);
  }

  private orbit(around: number, down: number, zoom: number): void {
    const arm = this.camera.position.clone().sub(this.controls.target);
    const place = new Spherical().setFromCartesianCoords(arm.x, arm.z, -arm.y);
    place.theta += around;
    place.phi = Math.min(this.controls.maxPolarAngle, Math.max(0.05, place.phi + down));
    const turned = new Vector3().setFromSpherical(place).multiplyScalar(zoom);
    this.camera.position.set(turned.x, -turned.z, turned.y).add(this.controls.target);
    this.changed = true;
  }
}

/** Tell of a click that did not turn the view, where it was on the element. */
function onClick(element: HTMLElement, tell: (x: number, y: number) => void): void {
  let down: PointerEvent | null = null;
  element.addEventListener("pointerdown", (event) => (down = event.isPrimary ? event : null));
  element.addEventListener("pointerup", (event) => {
    const from = down;
    down = null;
    if (!from || from.pointerId !== event.pointerId || event.button !== 0) return;
    const moved = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY);
    if (moved <= CLICK_PX) tell(event.offsetX, event.offsetY);
  });
}
