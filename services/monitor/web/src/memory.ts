/** What the viewer chose, remembered by the browser; a browser that remembers nothing is fine. */

const PREFIX = "kinelive-";

export function remember(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch (error) {
    console.warn(`${name} is not remembered`, error);
  }
}

/** The value, or null where there is none that `fits`. */
export function recall<T>(name: string, fits: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
    return fits(value) ? value : null;
  } catch {
    return null;
  }
}

export const isYesNo = (value: unknown): value is boolean => typeof value === "boolean";

export const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
