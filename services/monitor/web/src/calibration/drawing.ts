/** The pictures of a camera as SVG: sharp on paper, and their colours follow the page's. */

import type { Camera, View } from "./payload";
import { isPut, isSeen, pointsOf, type Seen } from "./points";

type Attributes = Readonly<Record<string, string | number>>;

const HEAD_SHARE = 0.009; // of the picture's longer side
const RING_SHARE = 0.0065;

export interface Look {
  readonly enlarged: number;
  readonly before: boolean;
  readonly bones: readonly (readonly [number, number])[];
}

function svg(tag: string, attributes: Attributes, ...children: Node[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

function sheet({ size_px: [w, h] }: Camera, kind: string, title: string, ...children: Node[]): SVGElement {
  return svg("svg", { viewBox: `0 0 ${w} ${h}`, class: `sheet ${kind}`, role: "img", "aria-label": title }, ...children);
}

/** One view: the photo where there is one, rings where points were seen, arrows to where they belong. */
export function drawView(camera: Camera, view: View, look: Look): SVGElement {
  const points = pointsOf(view, look.before);
  const longer = Math.max(...camera.size_px);
  const rings = points.filter(isSeen).map(({ x, y }) => svg("circle", { cx: x, cy: y, r: RING_SHARE * longer, class: "ring" }));
  const parts = [
    ...photo(camera, view),
    ...stroke(bonesOf(points, look.bones), "bone"),
    ...stroke(arrowsOf(points, look.enlarged, longer), "arrow"),
    svg("g", {}, ...rings),
  ];
  const title = `${camera.name}, ${view.name}: where points were seen, and where the calibration puts them`;
  return sheet(camera, view.photo ? "photo" : "plain", title, ...parts);
}

/** All views in one: how many points in each cell, each point, and its arrow. */
export function drawCoverage(camera: Camera, look: Look): SVGElement {
  const used = camera.views.filter((view) => view.used).flatMap((view) => pointsOf(view, look.before));
  const others = camera.views.filter((view) => !view.used).flatMap((view) => pointsOf(view, false));
  const parts = [
    ...cellsOf(camera),
    ...dots(others, "dot left-out"),
    ...dots(used, "dot"),
    ...stroke(arrowsOf(used, look.enlarged, Math.max(...camera.size_px)), "arrow thin"),
  ];
  return sheet(camera, "plain", `${camera.name}: where in its picture points were seen`, ...parts);
}

function photo({ size_px: [width, height] }: Camera, view: View): SVGElement[] {
  if (!view.photo) return [];
  const href = `data:image/jpeg;base64,${view.photo}`;
  return [svg("image", { href, width, height, preserveAspectRatio: "none" })];
}

function cellsOf({ coverage, size_px: [w, h] }: Camera): SVGElement[] {
  if (!coverage) return [];
  const most = Math.max(1, ...coverage.flat());
  const [width, height] = [w / coverage[0]!.length, h / coverage.length];
  return coverage.flatMap((row, j) =>
    row.map((count, i) => {
      const place = { x: i * width, y: j * height, width, height };
      const shade = count > 0 ? 0.12 + 0.4 * Math.sqrt(count / most) : 0;
      return svg("rect", { ...place, class: count > 0 ? "cell" : "cell empty", "fill-opacity": shade.toFixed(3) });
    }),
  );
}

/** A path with a darker one below, so that it is seen on any photo. */
function stroke(d: string, kind: string): SVGElement[] {
  if (!d) return [];
  return [svg("path", { d, class: `${kind} halo` }), svg("path", { d, class: kind })];
}

function dots(points: readonly Seen[], kind: string): SVGElement[] {
  const d = points.filter(isSeen).map(({ x, y }) => `M${x.toFixed(1)} ${y.toFixed(1)}h.01`);
  return d.length > 0 ? [svg("path", { d: d.join(""), class: kind })] : [];
}

function arrowsOf(points: readonly Seen[], enlarged: number, longer: number): string {
  const head = HEAD_SHARE * longer;
  return points
    .filter(isPut)
    .map(({ x, y, dx, dy }) => arrow(x, y, enlarged * dx, enlarged * dy, head))
    .join("");
}

function arrow(x: number, y: number, dx: number, dy: number, most: number): string {
  const length = Math.hypot(dx, dy);
  if (length < 1e-6) return "";
  const head = Math.min(most, 0.5 * length) / length;
  const [endX, endY] = [x + dx, y + dy];
  const wing = (side: number) =>
    `M${(endX - head * (dx + side * 0.5 * dy)).toFixed(1)} ${(endY - head * (dy - side * 0.5 * dx)).toFixed(1)}L${endX.toFixed(1)} ${endY.toFixed(1)}`;
  return `M${x.toFixed(1)} ${y.toFixed(1)}L${endX.toFixed(1)} ${endY.toFixed(1)}${wing(1)}${wing(-1)}`;
}

function bonesOf(points: readonly Seen[], bones: Look["bones"]): string {
  return bones
    .flatMap(([a, b]) => {
      const [from, to] = [points[a], points[b]];
      if (!from || !to || !isSeen(from) || !isSeen(to)) return [];
      return [`M${from.x.toFixed(1)} ${from.y.toFixed(1)}L${to.x.toFixed(1)} ${to.y.toFixed(1)}`];
    })
    .join("");
}
