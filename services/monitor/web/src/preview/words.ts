/** What is said of a camera that is being set up. */

import type { CameraPreview } from "../messages";
import { timeOf } from "../timing";

/** Driver, size, rate, and how well its times are known. */
export function streamOf(one: CameraPreview): string {
  if (!one.number) return `${one.driver}: waiting for the first picture`;
  const rate = `${one.rate_hz.toFixed(1)} frames/s`;
  return [one.driver, one.size_px.join("x"), rate, timeOf(one)].filter(Boolean).join(", ");
}

/** Why it gives no picture, or what is wrong with its light. */
export function troubleOf(one: CameraPreview): string {
  return one.trouble || (one.exposure?.says ?? "");
}

export function lossesOf(one: CameraPreview): string {
  const losses = Object.entries(one.lost).map(([cause, n]) => `${cause} ${n}`);
  return losses.length ? `lost: ${losses.join(", ")}` : "";
}
