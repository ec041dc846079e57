/** Names in the 3D view: text of the page, laid over the canvas where the point is. */

import type { PerspectiveCamera } from "three";
import { Vector3 } from "three";

const EDGE_PX = 28; // a name cut off reads as another

export interface Label {
  readonly text: string;
  readonly kind: "camera" | "person" | "person pinned" | "axis";
  readonly at: Vector3;
}

export class Labels {
  private readonly elements: HTMLSpanElement[] = [];
  private readonly point = new Vector3();

  constructor(private readonly host: HTMLElement) {}

  draw(labels: readonly Label[], camera: PerspectiveCamera, width: number, height: number): void {
    labels.forEach((label, i) => {
      const element = this.element(i);
      this.point.copy(label.at).project(camera);
      const x = ((this.point.x + 1) / 2) * width;
      const y = ((1 - this.point.y) / 2) * height;
      const beside = Math.min(x, width - x) < EDGE_PX || Math.min(y, height - y) < EDGE_PX / 2;
      element.hidden = beside || Math.abs(this.point.z) > 1;
      if (element.hidden) return;
      if (element.textContent !== label.text) element.textContent = label.text;
      element.className = `label ${label.kind}`;
      element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
    });
    for (const unused of this.elements.slice(labels.length)) unused.hidden = true;
  }

  private element(i: number): HTMLSpanElement {
    if (!this.elements[i]) {
      this.elements[i] = document.createElement("span");
      this.host.append(this.elements[i]);
    }
    return this.elements[i];
  }
}
