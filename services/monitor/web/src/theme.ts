/** Colours of the style sheet for what is drawn by hand; they follow the system's light or dark. */

export interface Theme {
  readonly background: string;
  readonly floor: string;
  readonly grid: string;
  readonly line: string;
  readonly faint: string;
  readonly text: string;
  readonly quiet: string;
  readonly left: string;
  readonly right: string;
  readonly middle: string;
  readonly shadow: string;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
}

const NAMES = [
  "background",
  "floor",
  "grid",
  "line",
  "faint",
  "text",
  "quiet",
  "left",
  "right",
  "middle",
  "shadow",
  "good",
  "warn",
  "bad",
] as const;

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(entries) as unknown as Theme;
}

/** Size of the page's type, 1 where it is 16 px: on a large wall lines grow with it. */
export function typeScale(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

export function onThemeChange(apply: (theme: Theme) => void): void {
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => apply(readTheme()));
}
