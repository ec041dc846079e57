/** The rig in 3D: cameras with their names, the floor, and what they saw. Renders when needed. */

import {
  Box3,
  BufferAttribute,
  BufferGeometry,
  Color,
  LineBasicMaterial,
  LineSegments,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Labels, type Label } from "../labels";
import { floats } from "../report/payload";
import { Room } from "../room";
import { onThemeChange, readTheme, type Theme } from "../theme";
import type { Space } from "./payload";

const MOST_PIXEL_RATIO = 2;
const KEY_TURN_RAD = 0.1;
const KEY_ZOOM = 1.1;
const NAME_M = 0.22;
const FILLED = 0.86; // of the view
const FILLED_BELOW_NOTE = 0.72;

export class SpaceView {
  framesRendered = 0;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(34, 1, 0.02, 500);
  private readonly controls: OrbitControls;
  private readonly room: Room;
  private readonly labels: Labels;
  private readonly dots = new PointsMaterial({ size: 3, sizeAttenuation: false });
  private readonly joins = new LineBasicMaterial();
  private readonly places: Vector3[] = [];
  private readonly centre = new Vector3();
  private asked = false;

  /** Throws where the browser has no WebGL. */
  constructor(
    private readonly space: Space,
    private readonly canvas: HTMLCanvasElement,
    labelHost: HTMLElement,
  ) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true });
    this.camera.up.set(0, 0, 1); // before the controls, which take it over once
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.addEventListener("change", () => this.ask());
    this.controls.enableZoom = false; // the page scrolls; plus and minus zoom
    this.room = new Room(space.cameras, readTheme(), space.has_floor);
    this.labels = new Labels(labelHost);
    this.scene.add(this.room.group, ...this.seen());
    this.measure();
    this.stand();
    this.paint(readTheme());
    onThemeChange((theme) => this.paint(theme));
    new ResizeObserver(() => this.fit()).observe(canvas.parentElement!);
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.fit();
  }

  /** Cameras in CSS pixels of the canvas. */
  projected(): number[][] {
    const { clientWidth, clientHeight } = this.canvas;
    return this.room.standpoints.map(({ centre }) => {
      const point = centre.clone().project(this.camera);
      return [((point.x + 1) / 2) * clientWidth, ((1 - point.y) / 2) * clientHeight];
    });
  }

  zoom(factor: number): void {
    this.camera.position.sub(this.controls.target).multiplyScalar(factor).add(this.controls.target);
    this.ask();
  }

  paint(theme: Theme): void {
    this.scene.background = new Color(theme.faint);
    this.room.paint(theme);
    this.dots.color.set(theme.left);
    this.joins.color.set(theme.left);
    this.render();
  }

  /** Half from the side and from above, as near as all is seen. */
  stand(): void {
    const towards = (this.space.has_floor ? new Vector3(0.55, -0.75, 0.5) : new Vector3(0.3, -0.8, 0.45)).normalize();
    this.camera.position.copy(towards).multiplyScalar(this.distance(towards)).add(this.centre);
    this.controls.target.copy(this.centre);
    this.controls.update();
    this.ask();
  }

  private distance(towards: Vector3): number {
    const right = new Vector3().crossVectors(this.camera.up, towards).normalize();
    const up = new Vector3().crossVectors(towards, right);
    const filled = this.space.note ? FILLED_BELOW_NOTE : FILLED;
    const half = filled * Math.tan((this.camera.fov * Math.PI) / 360);
    const away = this.places.map((place) => {
      const arm = place.clone().sub(this.centre);
      const across = Math.abs(arm.dot(right)) / (half * this.camera.aspect);
      return arm.dot(towards) + Math.max(across, Math.abs(arm.dot(up)) / half);
    });
    return Math.max(1, ...away);
  }

  private seen(): (Points | LineSegments)[] {
    const geometry = new BufferGeometry();
    const points = floats(this.space.points_m);
    const there = Array.from({ length: points.length / 3 }, (_, i) => Number.isFinite(points[3 * i]!));
    const only = points.filter((_, k) => there[Math.floor(k / 3)]);
    geometry.setAttribute("position", new BufferAttribute(only, 3));
    const ends = this.space.lines.filter(([a, b]) => there[a] && there[b]).flat();
    const joined = new BufferGeometry();
    const places = new Float32Array(ends.flatMap((i) => [...points.subarray(3 * i, 3 * i + 3)]));
    joined.setAttribute("position", new BufferAttribute(places, 3));
    const found: (Points | LineSegments)[] = [new LineSegments(joined, this.joins)];
    if (this.space.has_floor) found.push(new Points(geometry, this.dots));
    return found.filter((one) => one.geometry.attributes.position!.count > 0);
  }

  /** All that is to be seen. */
  private measure(): void {
    for (const { centre, corners } of this.room.standpoints) this.places.push(centre, ...corners);
    this.places.push(...this.names().map((label) => label.at));
    const points = floats(this.space.points_m);
    for (let i = 0; i + 2 < points.length; i += 3) {
      const point = new Vector3().fromArray(points, i);
      if (Number.isFinite(point.x)) this.places.push(point);
    }
    if (this.space.has_floor) this.places.push(new Vector3());
    const box = new Box3().setFromPoints(this.places);
    box.getCenter(this.centre);
    this.camera.far = 20 * Math.max(1, box.getSize(new Vector3()).length());
    this.camera.updateProjectionMatrix();
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => this.render());
  }

  private render(): void {
    this.asked = false;
    this.renderer.render(this.scene, this.camera);
    const { clientWidth, clientHeight } = this.canvas;
    this.labels.draw(this.names(), this.camera, clientWidth, clientHeight);
    this.framesRendered += 1;
  }

  private names(): Label[] {
    const side = this.space.has_floor ? NAME_M : -NAME_M; // boards are above
    const cameras = this.room.standpoints.map(({ name, centre }): Label => {
      return { text: name, kind: "camera", at: centre.clone().setZ(centre.z + side) };
    });
    if (!this.space.has_floor) return cameras;
    const axes = (["X", "Y", "Z"] as const).map((text, k): Label => {
      return { text, kind: "axis", at: new Vector3().setComponent(k, 0.43) };
    });
    return [...cameras, ...axes];
  }

  private fit(): void {
    const { clientWidth, clientHeight } = this.canvas.parentElement!;
    if (clientWidth === 0 || clientHeight === 0) return;
    const turned = this.camera.aspect < 1 !== clientWidth < clientHeight || this.framesRendered < 2;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, MOST_PIXEL_RATIO));
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    if (turned) this.stand();
    this.render();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) return;
    const turns: Record<string, number> = { ArrowLeft: -KEY_TURN_RAD, ArrowRight: KEY_TURN_RAD };
    const zooms: Record<string, number> = { "+": 1 / KEY_ZOOM, "-": KEY_ZOOM };
    const [turn, zoom] = [turns[event.key], zooms[event.key]];
    if (!turn && !zoom) return;
    event.preventDefault();
    if (zoom) this.zoom(zoom);
    if (!turn) return;
    const arm = this.camera.position.clone().sub(this.controls.target).applyAxisAngle(this.camera.up, turn);
    this.camera.position.copy(arm.add(this.controls.target));
    this.controls.update();
    this.ask();
  }
}
