/** Cameras that moved: what is known of each, and the buttons that keep its new place or go back. */

import type { CalibratedCamera, CameraPlace, FromPage } from "./messages";

/** What is to be told of a camera that moved. */
export function wordsOf(place: CameraPlace): string {
  const how = `moved ${place.turned_deg.toFixed(1)}°, ${Math.round(1000 * place.moved_m)} mm`;
  switch (place.state) {
    case "suspect":
      return "moved and is left out; its new place is sought";
    case "new":
      return `${how}; new place in use`;
    case "kept":
      return `${how}; new place kept`;
    case "rejected":
      return `${how}; former place in use, the camera is left out`;
  }
}

/** The cameras as the fusion has them by now. */
export function standing(
  calibrated: readonly CalibratedCamera[],
  places: readonly CameraPlace[],
): readonly CalibratedCamera[] {
  const moved = new Map(places.map((place) => [place.camera, place]));
  return calibrated.map((camera) => {
    const place = moved.get(camera.name);
    if (!place) return camera;
    const isNew = place.state === "new" || place.state === "kept";
    return { ...camera, cam_from_world: isNew ? place.found : place.former };
  });
}

/** Rows are kept as long as the cameras are told of, so that a button that has the focus keeps it. */
export class Places {
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly host: HTMLElement,
    private readonly ask: (words: FromPage) => void,
  ) {}

  draw(places: readonly CameraPlace[]): void {
    this.host.hidden = places.length === 0;
    const told = new Set(places.map(({ camera }) => camera));
    for (const [camera, row] of this.rows) {
      if (told.has(camera)) continue;
      row.element.remove();
      this.rows.delete(camera);
    }
    for (const place of places) this.row(place.camera).draw(place);
  }

  private row(camera: string): Row {
    const found = this.rows.get(camera);
    if (found) return found;
    const row = new Row(camera, this.ask);
    this.rows.set(camera, row);
    this.host.append(row.element);
    return row;
  }
}

class Row {
  readonly element = document.createElement("p");
  private readonly says = document.createElement("span");
  private readonly keep: HTMLButtonElement;
  private readonly back: HTMLButtonElement;

  constructor(camera: string, ask: (words: FromPage) => void) {
    this.element.className = "moved-camera";
    this.element.dataset.camera = camera;
    const name = document.createElement("b");
    name.textContent = camera;
    this.says.setAttribute("role", "status");
    this.keep = button("Keep", camera, "Use the new place from now on");
    this.keep.onclick = () => ask({ keep_place: camera });
    this.back = button("Go back", camera, "Use the former place, and leave the camera out until it agrees there");
    this.back.onclick = () => ask({ former_place: camera });
    this.element.append(name, this.says, this.keep, this.back);
  }

  draw(place: CameraPlace): void {
    this.element.dataset.state = place.state;
    const words = wordsOf(place);
    if (this.says.textContent !== words) this.says.textContent = words;
    this.keep.hidden = place.state === "suspect" || place.state === "kept";
    this.back.hidden = place.state === "suspect" || place.state === "rejected";
  }
}

function button(text: string, camera: string, title: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.ariaLabel = `${text}, ${camera}`;
  made.title = title;
  return made;
}
