/** Which joint coordinates there are, whatever their names: left and right of one make one plot. */

export type Part = "left" | "right" | "middle";

export interface Coordinate {
  /** Name without its side, such as `knee_angle`. */
  readonly name: string;
  readonly title: string;
  /** Names as they come, by side. */
  readonly parts: Readonly<Partial<Record<Part, string>>>;
  /** Of the axis; angles come in radians, translations in metres. */
  readonly unit: "°" | "m";
  /** Least range of the axis, in that unit. */
  readonly range: readonly [number, number];
}

/** Shown until somebody chooses: the first coordinate that each of these fits. */
const USUAL = [/^knee/, /^hip_flex/, /^ankle/, /^elbow/];
const USUAL_COUNT = 4;
const RANGES: readonly [RegExp, readonly [number, number]][] = [
  [/^(knee|elbow)/, [-5, 95]],
  [/^hip_flex/, [-20, 80]],
  [/^ankle/, [-40, 30]],
];

export function coordinatesOf(names: readonly string[]): Coordinate[] {
  const parts = new Map<string, Partial<Record<Part, string>>>();
  for (const name of names) {
    const side = /_([lr])$/.exec(name)?.[1];
    const stem = side ? name.slice(0, -2) : name;
    const part: Part = side === "l" ? "left" : side === "r" ? "right" : "middle";
    parts.set(stem, { ...parts.get(stem), [part]: name });
  }
  return [...parts].map(([name, sided]) => describe(name, sided));
}

function describe(name: string, parts: Coordinate["parts"]): Coordinate {
  const unit = /_t[xyz]$/.test(name) ? "m" : "°";
  const words = name.replace(/_t([xyz])$/, (_, axis: string) => ` ${axis.toUpperCase()}`).replaceAll("_", " ");
  const usual = RANGES.find(([pattern]) => pattern.test(name))?.[1];
  return {
    name,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    parts,
    unit,
    range: usual ?? (unit === "m" ? [0, 1] : [-30, 30]),
  };
}

/** Names of those to show: the chosen ones that there are, else the usual ones, else the first. */
export function shownOf(all: readonly Coordinate[], chosen: readonly string[] | null): string[] {
  const there = chosen?.filter((name) => all.some((one) => one.name === name)) ?? [];
  if (there.length > 0) return there;
  const usual = USUAL.flatMap((pattern) => all.find((one) => pattern.test(one.name))?.name ?? []);
  return usual.length > 0 ? usual : all.slice(0, USUAL_COUNT).map((one) => one.name);
}
