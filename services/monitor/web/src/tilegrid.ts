/** How the cameras' tiles are laid out: in the columns that show the pictures largest. */

import type { Tile } from "./tiles";
import { typeScale } from "./theme";

const MOST_HEIGHT = 0.5; // part of the window's height
const USUAL_ASPECT = 16 / 9;
const CAPTION_REM = 1.75;
const GAP_REM = 0.6;

export class TileGrid {
  private tiles: readonly Tile[] = [];
  private readonly aspects = new Map<string, number>();

  constructor(private readonly host: HTMLElement) {
    new ResizeObserver(() => this.arrange()).observe(host);
  }

  fill(tiles: readonly Tile[]): void {
    this.tiles = tiles;
    this.aspects.clear();
    this.host.replaceChildren(...tiles.map((tile) => tile.element));
    this.arrange();
  }

  /** Suit the pictures of a camera: width over height. */
  suit(camera: string, aspect: number): void {
    if (this.aspects.get(camera) === aspect) return;
    this.aspects.set(camera, aspect);
    this.arrange();
  }

  private arrange(): void {
    const known = [...this.aspects.values()];
    const aspect = known.length ? known.reduce((a, b) => a + b) / known.length : USUAL_ASPECT;
    const columns = bestColumns(this.tiles.length, aspect, this.host.clientWidth);
    const style = document.documentElement.style;
    style.setProperty("--aspect", aspect.toFixed(3));
    style.setProperty("--columns", String(columns));
    style.setProperty("--rows", String(Math.max(1, Math.ceil(this.tiles.length / columns))));
  }
}

/** Number of columns with the largest pictures; of equals the least. */
export function bestColumns(tiles: number, aspect: number, width: number): number {
  const rem = 16 * typeScale();
  let best = { columns: 1, height: 0 };
  for (let columns = 1; columns <= tiles; columns++) {
    const rows = Math.ceil(tiles / columns);
    const tileWidth = (width - (columns - 1) * GAP_REM * rem) / columns;
    const room = MOST_HEIGHT * innerHeight - (rows - 1) * GAP_REM * rem;
    const height = Math.min(tileWidth / aspect, room / rows - CAPTION_REM * rem);
    if (height > best.height + 0.5) best = { columns, height };
  }
  return best.columns;
}
