/** The report as services/report_payload.py writes it into the file. */

export interface Coordinate {
  readonly name: string;
  readonly group: string;
  readonly title: string;
  readonly side: "left" | "right" | "";
  readonly unit: "°" | "m";
  readonly positive: string;
  /** Part of the frames in which the markers tell it. */
  readonly observed: number;
  readonly drawn: boolean;
  readonly because: string;
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  readonly range?: number;
  readonly sd?: number | null;
}

export interface Person {
  readonly id: number;
  readonly height_m: number | null;
  readonly mass_kg: number | null;
  readonly rate_hz: number;
  readonly n_frames: number;
  readonly times_s: string;
  readonly markers: readonly string[];
  readonly points_m: string;
  readonly bones: readonly (readonly [number, number])[];
  readonly coordinates: readonly Coordinate[];
  readonly values: string;
  readonly sd: string | null;
  readonly error_mm: string | null;
  readonly mean_error_mm: number | null;
  readonly marker_error_mm: readonly (readonly [string, number | null])[];
  readonly events: readonly (readonly [number, string])[];
}

export interface Quality {
  readonly held_out_px: number | null;
  readonly held_out_per_camera_px: Readonly<Record<string, number | null>>;
  readonly reprojection_px: number | null;
  readonly cameras_per_point: number | null;
  readonly n_points: number;
  readonly n_missing: number;
  readonly segment_cv: number | null;
  readonly picture_px: number;
  readonly never_given: readonly string[];
}

export interface Provenance {
  readonly stage: string;
  readonly method: string;
  readonly version: string;
  readonly took_ms: number | null;
}

export interface Payload {
  readonly kinelive: string;
  readonly title: string;
  readonly input: string;
  readonly verdict: { readonly word: "good" | "usable" | "doubtful"; readonly reasons: readonly string[] };
  /** Only every n-th frame is in the file. */
  readonly every: number;
  readonly groups: readonly string[];
  readonly cautions: Readonly<Record<string, string>>;
  readonly persons: readonly Person[];
  readonly quality: Quality;
  readonly sync_offset_ms: Readonly<Record<string, number | null>> | null;
  readonly settings: readonly (readonly [string, string])[];
  readonly unused_settings: readonly string[];
  readonly provenance: readonly Provenance[];
  readonly warnings: readonly string[];
}

export function readPayload(): Payload | null {
  return JSON.parse(document.getElementById("report-data")!.textContent!) as Payload | null;
}

/** Little-endian float32 of base64, NaN where missing. */
export function floats(encoded: string): Float32Array {
  const text = atob(encoded);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}
