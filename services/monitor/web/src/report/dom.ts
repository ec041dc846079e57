/** Elements in one line. Text is always set as text, never as html: names come from files. */

type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function button(text: string, pressed: () => void): HTMLButtonElement {
  const made = element("button", { type: "button" }, text);
  made.onclick = pressed;
  return made;
}

/** A table whose cells after the first `words` columns are numbers. */
export function table(heads: readonly string[], rows: readonly (readonly (Node | string)[])[], words = 1) {
  const kind = (column: number): Attributes => (column < words ? {} : { class: "number" });
  const head = element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", ...kind(i) }, text)));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((cell, i) => element(i ? "td" : "th", i ? kind(i) : { scope: "row" }, cell))),
  );
  return element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

export function numeral(value: number | null | undefined, digits = 0, unit = ""): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")) + unit;
}
