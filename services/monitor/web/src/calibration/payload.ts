/** A calibration's report as services/calibration_report_payload.py writes it into the file. */

import type { CalibratedCamera } from "../messages";

export type Word = "good" | "acceptable" | "redo";

export interface Headline {
  readonly word: Word;
  readonly lead: string;
  readonly reasons: readonly string[];
  readonly remedies: readonly string[];
}

export interface Band {
  readonly name: string;
  readonly means: string;
  readonly remedy: string;
  readonly good: string;
  readonly acceptable: string;
}

export interface Judged {
  readonly name: string;
  readonly value: string;
  readonly word: Word;
  readonly means: string;
}

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

export interface View {
  readonly name: string;
  readonly used: boolean;
  readonly reason: string;
  readonly n_seen: number;
  readonly rms_px: number | null;
  /** Rows of detected, reprojected and, with six columns, formerly reprojected x and y. */
  readonly points_px: string;
  readonly n_columns: number;
  /** JPEG in base64. */
  readonly photo: string | null;
}

export interface Camera {
  readonly name: string;
  readonly size_px: readonly [number, number];
  readonly word: Word | null;
  readonly judged: readonly Judged[];
  readonly figures: readonly Figure[];
  /** Points in each cell of the picture, by row. */
  readonly coverage: readonly (readonly number[])[] | null;
  readonly views: readonly View[];
}

export interface Space {
  readonly cameras: readonly CalibratedCamera[];
  readonly points_m: string;
  readonly lines: readonly (readonly [number, number])[];
  readonly has_floor: boolean;
  readonly note: string;
}

export interface Table {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
  readonly n_words: number;
  readonly is_folded: boolean;
}

export interface Payload {
  readonly kinelive: string;
  readonly title: string;
  readonly input: string;
  readonly headline: Headline;
  readonly bands: readonly Band[];
  readonly of_all: readonly Judged[];
  readonly seen: string;
  readonly bones: readonly (readonly [number, number])[];
  readonly has_before: boolean;
  readonly cameras: readonly Camera[];
  readonly space: Space | null;
  readonly tables: readonly Table[];
  readonly notes: readonly string[];
}

export function readPayload(): Payload | null {
  return JSON.parse(document.getElementById("report-data")!.textContent!) as Payload | null;
}
