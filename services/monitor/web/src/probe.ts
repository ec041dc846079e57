/** What automated checks of the page look at: `window.kinelive`. */

import type { Monitor } from "./main";

export interface Probe {
  readonly connected: boolean;
  /** The newest pose that came; joints in metres, NaN where missing. */
  latestPose(): { t_ns: number; persons: { id: number; joints: number[][] }[] } | null;
  /** Where the joints of a drawn person lie, CSS pixels of the 3D canvas. */
  projected(person: number): number[][];
  readonly framesRendered: number;
  /** By camera, the picture that is shown. */
  readonly tiles: Readonly<Record<string, { frame: number; t_ns: number } | null>>;
  /** Samples that the plots have taken so far. */
  readonly plotPoints: number;
  /** Names of the coordinates that are plotted, without their sides. */
  readonly plotted: readonly string[];
  readonly pinned: readonly number[];
  /** Ellipsoids in the 3D view, and draw calls of its last frame. */
  readonly ellipsoids: number;
  readonly drawCalls: number;
  readonly latency: { p50: number; p95: number } | null;
}

declare global {
  interface Window {
    kinelive: Probe;
  }
}

export function expose(monitor: Monitor): void {
  window.kinelive = {
    get connected() {
      return monitor.connected;
    },
    latestPose: () => latestPose(monitor),
    projected: (person) => monitor.stage?.projected(person) ?? [],
    get framesRendered() {
      return monitor.stage?.framesRendered ?? 0;
    },
    get tiles() {
      return Object.fromEntries(monitor.tiles.map((tile) => [tile.camera, tile.shown]));
    },
    get plotPoints() {
      return monitor.plots.series.taken;
    },
    get plotted() {
      return monitor.plots.plotted;
    },
    get pinned() {
      return [...(monitor.run?.pinned ?? [])];
    },
    get ellipsoids() {
      return monitor.stage?.ellipsoids ?? 0;
    },
    get drawCalls() {
      return monitor.stage?.drawCalls ?? 0;
    },
    get latency() {
      const { latency } = monitor;
      return latency && { p50: latency.p50_ms, p95: latency.p95_ms };
    },
  };
}

function latestPose(monitor: Monitor): ReturnType<Probe["latestPose"]> {
  const { run } = monitor;
  if (!run?.pose) return null;
  const persons = run.figures.map(({ id, joints }) => ({
    id,
    joints: Array.from({ length: joints.length / 3 }, (_, j) => [...joints.slice(3 * j, 3 * j + 3)]),
  }));
  return { t_ns: run.pose.said.t_ns, persons };
}
