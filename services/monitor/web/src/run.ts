/** What the page knows of the run: the newest of everything, filed letter by letter. */

import { figuresOf, shapeOf, type Figure, type Shape } from "./figure";
import type {
  CameraPlace,
  CameraStatus,
  CameraView,
  Event,
  Health,
  Hello,
  JointAngles,
  Letter,
  Pong,
  Pose3D,
  Restarts,
  RigPlaces,
  RigQuality,
  Subjects,
} from "./messages";

const RATE_WINDOW_MS = 2000;
const EVENTS_KEPT = 50;

interface Counted {
  readonly n: number;
  readonly t_ms: number;
}

/** Rate from the numbers that things carry, so that skipped ones count too. */
export class Rate {
  private seen: Counted[] = [];

  add(n: number, t_ms: number): void {
    const last = this.seen.at(-1);
    if (last && (n < last.n || t_ms <= last.t_ms)) this.seen = [];
    this.seen.push({ n, t_ms });
    while (t_ms - this.seen[0]!.t_ms > RATE_WINDOW_MS) this.seen.shift();
  }

  get hz(): number | null {
    const first = this.seen[0];
    const last = this.seen.at(-1);
    if (!first || !last || last.t_ms - first.t_ms < RATE_WINDOW_MS / 4) return null;
    return ((last.n - first.n) * 1000) / (last.t_ms - first.t_ms);
  }
}

export interface Seen<T> {
  readonly said: T;
  /** performance.now() of its arrival. */
  readonly at: number;
}

export class Run {
  readonly shapes = new Map<string, Shape>();
  readonly cameras = new Map<string, CameraStatus>();
  readonly health = new Map<string, Seen<Health>>();
  readonly fused = new Rate();
  restarts: Restarts["restarts"] = {};
  events: Event[] = [];
  pose: Seen<Pose3D> | null = null;
  figures: readonly Figure[] = [];
  quality: RigQuality | null = null;
  places: readonly CameraPlace[] = [];
  pinned: ReadonlySet<number> = new Set();

  constructor(readonly hello: Hello) {
    for (const skeleton of hello.skeletons) this.shapes.set(skeleton.name, shapeOf(skeleton));
  }

  takePose(pose: Pose3D, at: number): void {
    const shape = this.shapes.get(pose.skeleton);
    this.pose = { said: pose, at };
    this.figures = shape ? figuresOf(pose, shape) : [];
    this.fused.add(pose.instant, pose.t_ns / 1e6);
  }

  takeEvent(event: Event): void {
    this.events = [event, ...this.events].slice(0, EVENTS_KEPT);
  }
}

export interface Sorter {
  hello(hello: Hello): void;
  pong(pong: Pong): void;
  view(view: CameraView): void;
  pose(pose: Pose3D): void;
  angles(angles: JointAngles): void;
  camera(status: CameraStatus): void;
  quality(quality: RigQuality): void;
  rig(places: RigPlaces): void;
  health(health: Health): void;
  subjects(subjects: Subjects): void;
  restarts(restarts: Restarts): void;
  event(event: Event): void;
}

const HANDLERS: Readonly<Record<string, (sorter: Sorter, letter: Letter) => void>> = {
  hello: (sorter, letter) => sorter.hello(letter[3] as Hello),
  pong: (sorter, letter) => sorter.pong(letter[3] as Pong),
  view: (sorter, letter) => sorter.view(letter[3] as CameraView),
  pose3d: (sorter, letter) => sorter.pose(letter[3] as Pose3D),
  angles: (sorter, letter) => sorter.angles(letter[3] as JointAngles),
  camera: (sorter, letter) => sorter.camera(letter[3] as CameraStatus),
  quality: (sorter, letter) => sorter.quality(letter[3] as RigQuality),
  rig: (sorter, letter) => sorter.rig(letter[3] as RigPlaces),
  health: (sorter, letter) => sorter.health(letter[3] as Health),
  subjects: (sorter, letter) => sorter.subjects(letter[3] as Subjects),
  restarts: (sorter, letter) => sorter.restarts(letter[3] as Restarts),
  event: (sorter, letter) => sorter.event(letter[3] as Event),
};

/** Hand each letter to who it is for; keys unknown to this page are passed over. */
export function sort(letters: readonly Letter[], sorter: Sorter): void {
  for (const letter of letters) HANDLERS[letter[0].split("/", 1)[0]!]?.(sorter, letter);
}
