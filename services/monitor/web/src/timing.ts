/** How well the time of a camera's pictures is known, in words. */

import type { CameraStatus } from "./messages";

export const TIME_FROM: Record<CameraStatus["time_origin"], string> = {
  hardware: "The camera's own clock says when it exposed; so far off it may be",
  driver: "The system says when the camera exposed; so far off it may be",
  host: "Timed on arrival: the camera tells nothing better; so far off it may be",
  file: "",
};

/** How well a camera's times are known; nothing of footage, whose times are what they are. */
export function timeOf(known: Pick<CameraStatus, "time_origin" | "time_uncertainty_ns"> | undefined): string {
  if (!known || known.time_origin === "file") return "";
  const ms = known.time_uncertainty_ns / 1e6;
  return `time ±${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`;
}
