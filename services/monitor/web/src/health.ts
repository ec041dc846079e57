/** The foldable line at the foot: how each process is, and what happened. */

import type { Event, Health } from "./messages";
import type { Run } from "./run";

/** Left out by the run's settings, which is no loss: the table tells it, the sums do not. */
const PLANNED = new Set(["decimated"]);

/** Drops that somebody should know of. */
export function dropsOf(drops: Health["drops"]): [string, number][] {
  return Object.entries(drops).filter(([reason, n]) => n > 0 && !PLANNED.has(reason));
}

interface Row {
  readonly process: string;
  readonly state: string;
  readonly bad: boolean;
  readonly restarts: number;
  readonly drops: Health["drops"];
}

export class HealthPanel {
  constructor(
    private readonly details: HTMLDetailsElement,
    private readonly line: HTMLElement,
    private readonly table: HTMLElement,
    private readonly events: HTMLElement,
  ) {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.details.open = false;
    });
  }

  draw(run: Run, now: number): void {
    const rows = rowsOf(run, now);
    this.details.classList.toggle("bad", rows.some((row) => row.bad));
    this.line.textContent = summary(rows);
    if (!this.details.open) return;
    this.table.replaceChildren(...rows.map(rowElement));
    this.events.replaceChildren(...run.events.map(eventElement));
    this.events.classList.toggle("empty", run.events.length === 0);
  }
}

function rowsOf(run: Run, now: number): Row[] {
  const silentMs = run.hello.late_after_ms.health ?? Infinity;
  return [...run.health.values()]
    .map(({ said, at }): Row => {
      const silent = said.state !== "stopped" && now - at > silentMs;
      const state = silent ? `silent for ${Math.round((now - at) / 1000)} s` : said.state;
      return {
        process: said.process,
        state,
        bad: silent || said.state === "late",
        restarts: run.restarts[said.process] ?? 0,
        drops: said.drops,
      };
    })
    .sort((a, b) => a.process.localeCompare(b.process));
}

function summary(rows: readonly Row[]): string {
  if (rows.length === 0) return "No word from the processes yet";
  const bad = rows.filter((row) => row.bad);
  const restarts = rows.reduce((sum, row) => sum + row.restarts, 0);
  const drops = rows.flatMap((row) => dropsOf(row.drops)).reduce((sum, [, n]) => sum + n, 0);
  const parts = [
    bad.length === 0
      ? `${rows.length} ${rows.length === 1 ? "process" : "processes"} fine`
      : bad.map((row) => `${row.process} ${row.state}`).join(", "),
    `${restarts} ${restarts === 1 ? "restart" : "restarts"}`,
    `${drops} dropped`,
  ];
  return parts.join(" · ");
}

function rowElement(row: Row): HTMLTableRowElement {
  const element = document.createElement("tr");
  element.className = row.bad ? "bad" : "";
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = row.process;
  const drops = Object.entries(row.drops)
    .filter(([, n]) => n > 0)
    .map(([reason, n]) => `${reason} ${n}`)
    .join(", ");
  element.append(name, ...[row.state, String(row.restarts), drops || "none"].map(cell));
  element.children[2]!.className = "number";
  return element;
}

function cell(text: string): HTMLTableCellElement {
  const element = document.createElement("td");
  element.textContent = text;
  return element;
}

function eventElement(event: Event): HTMLLIElement {
  const element = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date(event.t_ns / 1e6).toLocaleTimeString();
  element.append(time, ` ${[event.process, event.text || event.name].filter(Boolean).join(": ")}`);
  return element;
}
