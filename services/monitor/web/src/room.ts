/** What stands still in the 3D view: floor grid, world axes, cameras. */

import {
  BufferAttribute,
  BufferGeometry,
  Group,
  LineBasicMaterial,
  LineSegments,
  Matrix3,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  Vector3,
} from "three";
import type { CalibratedCamera } from "./messages";
import type { Theme } from "./theme";

const FRUSTUM_M = 0.4;
const MARGIN_M = 1;
const LEAST_HALF_M = 3;
const AXIS_M = 0.35;
const NEAR_PART = 0.7;

/** A calibrated camera in the world. */
export interface Standpoint {
  readonly name: string;
  readonly centre: Vector3;
  readonly axis: Vector3;
  /** Four corners of the picture, at FRUSTUM_M in front. */
  readonly corners: readonly Vector3[];
}

export function standpointOf(camera: CalibratedCamera): Standpoint {
  const pose = camera.cam_from_world;
  const worldFromCam = new Matrix3().set(...rotation(pose)).transpose();
  const shift = new Vector3(pose[0]![3], pose[1]![3], pose[2]![3]);
  const centre = shift.clone().applyMatrix3(worldFromCam).negate();
  const rays = new Matrix3().set(...rotation(camera.image_from_cam)).invert();
  const { width_px: w, height_px: h } = camera;
  const corners = [[0, 0], [w, 0], [w, h], [0, h]].map(([u, v]) =>
    new Vector3(u, v, 1)
      .applyMatrix3(rays)
      .multiplyScalar(FRUSTUM_M)
      .applyMatrix3(worldFromCam)
      .add(centre),
  );
  return { name: camera.name, centre, axis: new Vector3(0, 0, 1).applyMatrix3(worldFromCam), corners };
}

type Nine = [number, number, number, number, number, number, number, number, number];

function rotation(rows: readonly (readonly number[])[]): Nine {
  return rows.flatMap((row) => row.slice(0, 3)) as Nine;
}

export class Room {
  readonly group = new Group();
  readonly standpoints: readonly Standpoint[];
  private readonly frusta: readonly LineSegments[];
  private readonly floor = new MeshBasicMaterial();
  private readonly grid = new LineBasicMaterial();
  private readonly frame = new LineBasicMaterial();

  constructor(cameras: readonly CalibratedCamera[], theme: Theme, hasFloor = true) {
    this.standpoints = cameras.map(standpointOf);
    this.frusta = this.standpoints.map((one) => new LineSegments(frustumLines(one), this.frame));
    const extent = extentOf(this.standpoints);
    const world = [floorPlane(extent, this.floor), new LineSegments(gridLines(extent), this.grid), axes()];
    this.group.add(...this.frusta, ...(hasFloor ? world : []));
    this.paint(theme);
  }

  paint(theme: Theme): void {
    this.floor.color.set(theme.floor);
    this.grid.color.set(theme.grid);
    this.frame.color.set(theme.quiet);
  }

  /** Hide the cameras that stand between the viewer and the person; return the others. */
  reveal(eye: Vector3, target: Vector3): Standpoint[] {
    const near = NEAR_PART * eye.distanceTo(target);
    return this.standpoints.filter((one, i) => {
      const shown = one.centre.distanceTo(eye) > near;
      this.frusta[i]!.visible = shown;
      return shown;
    });
  }

  dispose(): void {
    this.group.traverse((child) => {
      if (child instanceof LineSegments || child instanceof Mesh) child.geometry.dispose();
    });
  }
}

function lines(points: readonly Vector3[]): BufferGeometry {
  return new BufferGeometry().setFromPoints([...points]);
}

interface Extent {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** All that the cameras stand around, in whole metres. */
function extentOf(standpoints: readonly Standpoint[]): Extent {
  const reach = (k: "x" | "y", sign: number) =>
    Math.max(LEAST_HALF_M, ...standpoints.map((one) => Math.ceil(sign * one.centre[k] + MARGIN_M)));
  return { west: -reach("x", -1), east: reach("x", 1), south: -reach("y", -1), north: reach("y", 1) };
}

function floorPlane({ west, east, south, north }: Extent, material: MeshBasicMaterial): Mesh {
  const floor = new Mesh(new PlaneGeometry(east - west, north - south), material);
  floor.position.set((west + east) / 2, (south + north) / 2, -0.003);
  return floor;
}

/** Lines each metre. */
function gridLines({ west, east, south, north }: Extent): BufferGeometry {
  const points: Vector3[] = [];
  for (let x = west; x <= east; x++) points.push(new Vector3(x, south, 0), new Vector3(x, north, 0));
  for (let y = south; y <= north; y++) points.push(new Vector3(west, y, 0), new Vector3(east, y, 0));
  return lines(points);
}

/** Pyramid of the picture's corners, with a roof that tells which side is up. */
function frustumLines({ centre: o, corners: [a, b, c, d] }: Standpoint): BufferGeometry {
  const roof = a!.clone().add(b!).multiplyScalar(0.5).sub(o).multiplyScalar(1.18).add(o);
  const edges = [o, a!, o, b!, o, c!, o, d!, a!, b!, b!, c!, c!, d!, d!, a!, a!, roof, roof, b!];
  return lines(edges);
}

function axes(): LineSegments {
  const o = new Vector3();
  const [x, y, z] = [new Vector3(AXIS_M, 0, 0), new Vector3(0, AXIS_M, 0), new Vector3(0, 0, AXIS_M)];
  const geometry = lines([o, x, o, y, o, z].map((point) => point.clone().setZ(point.z + 0.004)));
  const rgb = [[0.85, 0.35, 0.35], [0.35, 0.7, 0.4], [0.35, 0.5, 0.9]];
  const colours = new Float32Array(rgb.flatMap((one) => [...one, ...one]));
  geometry.setAttribute("color", new BufferAttribute(colours, 3));
  return new LineSegments(geometry, new LineBasicMaterial({ vertexColors: true }));
}
