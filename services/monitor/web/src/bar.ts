/** The bar at the top: is it live, how fast, how late, is it recorded. */

import { dropsOf } from "./health";
import type { Health, ScreenLatency } from "./messages";
import type { Run } from "./run";

const LEAST_STALE_MS = 1000;
const WORTH_SAYING_MIN = 10;

export type Liveness = "live" | "stale" | "waiting" | "disconnected";

export function liveness(run: Run | null, connected: boolean, now: number): Liveness {
  if (!connected || !run) return "disconnected";
  if (!run.pose) return "waiting";
  const staleMs = Math.max(LEAST_STALE_MS, run.hello.late_after_ms.pose3d ?? 0);
  return now - run.pose.at > staleMs ? "stale" : "live";
}

function seconds(run: Run | null, now: number): number {
  return run?.pose ? Math.round((now - run.pose.at) / 1000) : 0;
}

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}

function put(id: string, text: string): void {
  const host = element(id);
  if (host.textContent !== text) host.textContent = text;
}

export function drawBar(
  run: Run | null,
  state: Liveness,
  latency: ScreenLatency | null,
  everConnected: boolean,
  now: number,
): void {
  const live = state === "live";
  const names: Record<Liveness, string> = {
    live: "Live",
    stale: "Stale",
    waiting: "Waiting",
    disconnected: everConnected ? "Reconnecting" : "Connecting",
  };
  element("state").className = `chip ${state}`;
  put("state", names[state]);
  put("session", run?.hello.session ?? "");
  const hz = live ? run?.fused.hz : null;
  put("fused", hz ? `${hz.toFixed(1)} Hz` : "–");
  put("persons", live && run ? String(run.figures.length) : "–");
  const ms = live && latency ? [latency.p50_ms, latency.p95_ms].map(Math.round) : null;
  put("latency", ms ? `${ms[0]} / ${ms[1]} ms` : "–");
  put("notice", noticeOf(run, state, everConnected, now));
  element("notice").hidden = element("notice").textContent === "";
  drawRecording(run, state, now);
}

function noticeOf(run: Run | null, state: Liveness, everConnected: boolean, now: number): string {
  switch (state) {
    case "disconnected":
      return everConnected ? "Connection lost. Reconnecting …" : "Connecting …";
    case "waiting":
      return "Waiting for the first pose";
    case "stale":
      return `No new pose for ${seconds(run, now)} s`;
    case "live":
      return run?.figures.length === 0 ? "Nobody in view" : "";
  }
}

function drawRecording(run: Run | null, state: Liveness, now: number): void {
  const chip = element("recording");
  chip.hidden = !run?.hello.recording || state === "disconnected";
  if (chip.hidden || !run) return;
  const recorder = run.health.get("recorder");
  const silentMs = run.hello.late_after_ms.health ?? Infinity;
  const well = recorder?.said.state === "running" && now - recorder.at < silentMs;
  const lost = dropsOf(recorder?.said.drops ?? {}).reduce((sum, [, n]) => sum + n, 0);
  const trouble = [lost > 0 ? `${lost} lost` : "", fullIn(recorder?.said.gauges ?? {})];
  const troubles = trouble.filter(Boolean);
  chip.className = `chip ${!well ? "stale" : troubles.length > 0 ? "recording lossy" : "recording"}`;
  put("recording", !well ? "Not recording" : ["Recording", ...troubles].join(", "));
}

/** How long the disk lasts, once that is worth knowing. */
function fullIn(gauges: Health["gauges"]): string {
  const minutes = gauges["disk_full_in_minutes"];
  if (minutes === undefined || minutes > WORTH_SAYING_MIN) return "";
  return minutes < 1 ? "disk full" : `disk full in ${Math.floor(minutes)} min`;
}
