/** The page: takes letters as they come, draws what is newest once an animation frame. */

import "./style.css";
import { drawBar, liveness, type Liveness } from "./bar";
import { LatencyWindow, RigClock } from "./clock";
import { Connection } from "./connection";
import { HealthPanel } from "./health";
import { isTyping, Marks } from "./marks";
import { isYesNo, recall, remember } from "./memory";
import * as messages from "./messages";
import { Plots } from "./plots";
import { Places, standing } from "./places";
import { expose } from "./probe";
import { QualityPanel } from "./quality";
import { Run, sort, type Sorter } from "./run";
import { Sizes } from "./sizes";
import { Stage } from "./stage";
import { Chips } from "./subjects";
import { onThemeChange } from "./theme";
import { TileGrid } from "./tilegrid";
import { Tile } from "./tiles";

const SLOW_MS = 250;
const REPORT_MS = 1000;
const RELOADED = "kinelive-reloaded";
const UNCERTAINTY = "uncertainty";

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export class Monitor implements Sorter {
  run: Run | null = null;
  tiles: readonly Tile[] = [];
  connected = false;
  latency: messages.ScreenLatency | null = null;
  readonly stage = makeStage((person) => this.togglePin(person));
  readonly plots = new Plots({
    plots: element("plots"),
    persons: element("person-choice"),
    coordinates: element("coordinate-choice"),
    saying: element("angles-saying"),
  });
  private readonly chips = new Chips(element("subjects"), (person) => this.togglePin(person));
  private readonly sizes = new Sizes(element("sizes"), (words) => this.connection.say(words));
  readonly marks = new Marks(element("marks"), (words) => this.connection.say(words));
  private readonly places = new Places(element("moved"), (words) => this.connection.say(words));
  private readonly qualityPanel = new QualityPanel(element("quality-rows"), element("quality-worst"));
  private uncertain = recall(UNCERTAINTY, isYesNo) ?? false;
  private readonly grid = new TileGrid(element("tiles"));
  private readonly clock = new RigClock();
  private readonly latencies = new LatencyWindow();
  private readonly panel = new HealthPanel(
    element<HTMLDetailsElement>("health"),
    element("health-line"),
    element("health-rows"),
    element("events"),
  );
  private readonly connection: Connection;
  private everConnected = false;
  private shown: messages.Pose3D | null = null;
  private shownState: Liveness = "disconnected";
  /** Drawn in the last animation frame: on the screen when the next one begins. */
  private drawn: messages.Pose3D | null = null;
  private slowAt = 0;
  private reportedAt = 0;

  constructor() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.connection = new Connection(`${scheme}://${location.host}/ws`, {
      letters: (letters) => sort(letters, this),
      connected: (yes) => this.hear(yes),
    });
    onThemeChange(() => this.tiles.forEach((tile) => tile.redraw()));
    element("health").addEventListener("toggle", () => (this.slowAt = 0));
    this.showUncertainty();
    requestAnimationFrame((now) => this.frame(now));
  }

  hello(hello: messages.Hello): void {
    checkSchema(hello.schema_version);
    const before = this.run?.hello;
    const moved = this.run?.places ?? [];
    this.run = new Run(hello);
    if (!same(before?.cameras, hello.cameras)) {
      const shapeOf = (skeleton: string) => this.run?.shapes.get(skeleton);
      this.tiles = hello.cameras.map((camera) => new Tile(camera, shapeOf));
      this.grid.fill(this.tiles);
    }
    const areOthers = !same(before?.calibrated ?? [], hello.calibrated);
    if (areOthers || moved.length) this.stage?.furnish(hello.calibrated, areOthers);
    this.marks.show(hello.recording);
    this.places.draw([]); // the fusion says anew which ones moved
    this.pin(new Set()); // the monitor says anew who is pinned
  }

  pong(pong: messages.Pong): void {
    this.clock.take(pong, performance.now());
  }

  view(view: messages.CameraView): void {
    this.grid.suit(view.camera, view.width_px / view.height_px);
    this.tiles.find((tile) => tile.camera === view.camera)?.take(view, performance.now());
  }

  pose(pose: messages.Pose3D): void {
    this.run?.takePose(pose, performance.now());
  }

  angles(angles: messages.JointAngles): void {
    this.plots.take(angles);
  }

  camera(status: messages.CameraStatus): void {
    this.run?.cameras.set(status.camera, status);
  }

  quality(quality: messages.RigQuality): void {
    if (this.run) this.run.quality = quality;
  }

  /** Cameras are drawn where they stand by now; the view stays. */
  rig({ cameras }: messages.RigPlaces): void {
    if (!this.run || same(this.run.places, cameras)) return;
    this.run.places = cameras;
    this.stage?.furnish(standing(this.run.hello.calibrated, cameras), false);
    this.places.draw(cameras);
  }

  health(health: messages.Health): void {
    this.run?.health.set(health.process, { said: health, at: performance.now() });
  }

  subjects(said: messages.Subjects): void {
    if (this.run && !same([...this.run.pinned], said.ids)) this.pin(new Set(said.ids));
  }

  private pin(pinned: ReadonlySet<number>): void {
    if (this.run) this.run.pinned = pinned;
    this.stage?.pin(pinned);
    this.plots.pin(pinned);
    this.slowAt = 0;
  }

  restarts(said: messages.Restarts): void {
    if (this.run) this.run.restarts = said.restarts;
  }

  event(event: messages.Event): void {
    this.run?.takeEvent(event);
    this.marks.take(event);
  }

  centre(): void {
    this.stage?.centre(performance.now());
  }

  follow(): void {
    if (!this.stage) return;
    this.stage.framing.following = !this.stage.framing.following;
    element("follow").ariaPressed = String(this.stage.framing.following);
  }

  /** Ask for it; the pin is drawn when the monitor has said so to all pages. */
  togglePin(person: number): void {
    this.connection.say(this.run?.pinned.has(person) ? { unpin: person } : { pin: person });
  }

  toggleUncertainty(): void {
    this.uncertain = !this.uncertain;
    remember(UNCERTAINTY, this.uncertain);
    this.showUncertainty();
  }

  private showUncertainty(): void {
    this.stage?.showEllipsoids(this.uncertain);
    element("uncertainty").ariaPressed = String(this.uncertain);
    element("uncertainty-key").hidden = !this.uncertain;
  }

  private hear(connected: boolean): void {
    this.connected = connected;
    this.everConnected ||= connected;
    this.slowAt = 0;
    this.clock.forget(); // the server that comes back may run on another clock
  }

  private frame(now: number): void {
    requestAnimationFrame((next) => this.frame(next));
    this.measure();
    this.drawPose(now);
    for (const tile of this.tiles) tile.frame();
    this.plots.frame(now);
    if (now - this.slowAt > SLOW_MS) this.drawSlowly(now);
    if (now - this.reportedAt > REPORT_MS) this.report(now);
  }

  private measure(): void {
    const now = performance.now();
    const rig_ms = this.clock.at(now);
    if (this.drawn && rig_ms !== null) this.latencies.add(now, rig_ms - this.drawn.t_ns / 1e6);
    this.drawn = null;
  }

  private drawPose(now: number): void {
    const pose = this.run?.pose?.said ?? null;
    const state = liveness(this.run, this.connected, now);
    const fresh = pose !== null && pose !== this.shown;
    if (fresh || (state === "live") !== (this.shownState === "live")) {
      this.stage?.show(this.run?.figures ?? [], state !== "live", now);
    }
    this.shownState = state;
    this.shown = pose;
    if (this.stage?.frame(now) && fresh) this.drawn = pose;
  }

  private drawSlowly(now: number): void {
    this.slowAt = now;
    drawBar(this.run, liveness(this.run, this.connected, now), this.latency, this.everConnected, now);
    for (const tile of this.tiles) {
      const status = this.run?.cameras.get(tile.camera);
      const said = ["camera", "relay"].map((kind) => this.run?.health.get(`${kind}.${tile.camera}`)?.said);
      const drops = Object.assign({}, ...said.map((one) => one?.drops));
      const quality = this.run?.quality?.cameras.find((one) => one.camera === tile.camera);
      tile.report({ connected: this.connected, status, drops, quality }, now);
    }
    if (!this.run) return;
    this.panel.draw(this.run, now);
    this.qualityPanel.draw(this.run);
    this.sizes.draw(this.plots.said);
    this.chips.draw(this.run.figures.map((figure) => figure.id), this.run.pinned);
  }

  private report(now: number): void {
    this.reportedAt = now;
    this.latency = this.latencies.summary(now);
    if (this.latency) this.connection.say({ screen_latency: this.latency });
  }
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A server of another version serves another page: fetch it, once. */
function checkSchema(version: number): void {
  if (version === messages.SCHEMA_VERSION) sessionStorage.removeItem(RELOADED);
  else if (!sessionStorage.getItem(RELOADED)) {
    sessionStorage.setItem(RELOADED, "yes");
    location.reload();
  }
}

/** Null where there is no WebGL: the rest of the page is of use without. */
function makeStage(onPick: (person: number) => void): Stage | null {
  try {
    return new Stage(element<HTMLCanvasElement>("scene"), element("labels"), onPick);
  } catch (error) {
    console.warn("no 3D view", error);
    element("view-title").textContent = "3D view: this browser has no WebGL";
    return null;
  }
}

const monitor = new Monitor();
element("centre").addEventListener("click", () => monitor.centre());
element("follow").addEventListener("click", () => monitor.follow());
element("uncertainty").addEventListener("click", () => monitor.toggleUncertainty());
document.addEventListener("keydown", (event) => {
  const held = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
  if (held || isTyping(event)) return;
  if (event.key === "u") monitor.toggleUncertainty();
  if (event.key === "m") monitor.marks.mark();
});
element("scene").addEventListener("keydown", ({ key }) => {
  if (key === "c") monitor.centre();
  if (key === "f") monitor.follow();
});
expose(monitor);
