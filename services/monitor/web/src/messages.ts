/* Written by `python -m tools.typescript` from core/messages.py, core/message_people.py,
 * core/message_quality.py, core/message_rig.py, core/picture_quality.py and
 * services/monitor/wire.py.
 *
 * 64-bit integers arrive as numbers: a time of today is then right to 256 ns, which a page does
 * not need better, and each field has one type (big integers would come for large values only).
 * Array fields are bytes; ARRAYS says what they hold, float32() looks at them as numbers.
 */

export const SCHEMA_VERSION = 1;

/** Goes before each message: who said it, in which life of that process, as which number. */
export type Header = readonly [version: number, source: string, life_ns: number, seq: number];

/** What all messages have. */
export interface Message {
  readonly t_ns: number;
  /** Stage name to the time it was done, rig clock ns. */
  readonly stamps: Readonly<Record<string, number>>;
}

/** How one process is; counters run from the start of its life. */
export interface Health extends Message {
  readonly process: string;
  readonly state: "running" | "late" | "stopping" | "stopped";
  readonly pid: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Dropped on purpose, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
}

/** One decoded picture that lies in a slot of its camera's frame ring (BGR, uint8). */
export interface FrameDescriptor extends Message {
  readonly camera: string;
  /** Number of the frame since the rig's start; goes on over a restart of the camera. */
  readonly frame: number;
  readonly ring: string;
  readonly slot: number;
  /** Value of the slot's sequence lock; another value means the slot was written again. */
  readonly lock: number;
  readonly width_px: number;
  readonly height_px: number;
  /** Size of the picture as captured; keypoints and calibration speak of this one. */
  readonly full_width_px: number;
  readonly full_height_px: number;
  readonly time_origin: "hardware" | "driver" | "host" | "file";
  readonly time_uncertainty_ns: number;
}

/** One compressed packet as the camera gave it, in decoding order. */
export interface Packet extends Message {
  readonly camera: string;
  readonly frame: number;
  /** Number of the packet in decoding order since the rig's start; over restarts too. */
  readonly packet: number;
  readonly payload: Uint8Array;
  readonly keyframe: boolean;
  readonly pts: number;
  readonly dts: number;
  readonly time_origin: "hardware" | "driver" | "host" | "file";
  /** Half-width that covers the truth in 95 % of frames. */
  readonly time_uncertainty_ns: number;
}

/** What a camera delivers, and how its bitstream is to be decoded; repeated each second. */
export interface CameraStatus extends Message {
  readonly camera: string;
  readonly driver: string;
  readonly codec: string;
  /** Decoder set-up bytes of the container (H.264: avcC), empty where the stream carries them. */
  readonly extradata: Uint8Array;
  readonly width_px: number;
  readonly height_px: number;
  readonly rate_hz: number;
  /** Unit of `pts` and `dts` as a fraction of a second. */
  readonly time_base_s: readonly [number, number];
  readonly time_origin: "hardware" | "driver" | "host" | "file";
  readonly time_uncertainty_ns: number;
  readonly ended: boolean;
}

/** Raw pairs of device and host times of the last second's frames: with them the clock model can be
 *  fitted again later.
 */
export interface ClockSample extends Message {
  readonly camera: string;
  readonly device_ticks: Uint8Array;
  /** Arrival of the same frames, rig clock. */
  readonly host_ns: Uint8Array;
  readonly device_hz: number;
  /** The device's counter goes from here less one to 0; 0: never. */
  readonly wraps_at: number;
  /** Goes up by one each time the model had to begin anew. */
  readonly epoch: number;
}

/** How another host's monotonic clock relates to the rig clock, and the round trips of the last
 *  second: with them it can be fitted again later.
 */
export interface HostClockSample extends Message {
  readonly host: string;
  /** A question left the host, on its monotonic clock … */
  readonly sent_ns: Uint8Array;
  /** … was read at the hub, on the rig clock … */
  readonly there_ns: Uint8Array;
  /** … and the answer was back, on the host's monotonic clock. */
  readonly back_ns: Uint8Array;
  /** Host's monotonic time of the relation that was fitted: */
  readonly at_ns: number;
  /** rig clock minus the host's monotonic clock then, */
  readonly offset_ns: number;
  /** by how much that grows, */
  readonly drift_ppm: number;
  /** and the half-width that covers the truth. */
  readonly uncertainty_ns: number;
  /** Offset that was in force at `at_ns`: corrections are spread over a while. */
  readonly shown_offset_ns: number;
}

/** One person in one picture. */
export interface Person2D {
  /** Number of the person for this camera's tracker; not the person of the fused pose. */
  readonly id: number;
  readonly keypoints_px: Uint8Array;
  readonly confidence: Uint8Array;
  /** xx, yy, xy of the error, in pixels as captured; NaN where unknown, empty: all of it is. */
  readonly covariance_px2: Uint8Array;
}

/** The people found in one frame of one camera; none is a valid answer. */
export interface Keypoints2D extends Message {
  readonly camera: string;
  readonly frame: number;
  readonly skeleton: string;
  readonly model: string;
  /** What ONNX Runtime really ran on. */
  readonly provider: string;
  /** Bit j set: keypoint j is derived from others, not detected. */
  readonly derived: number;
  readonly persons: readonly Person2D[];
}

/** One person in the world at one instant. */
export interface Person3D {
  readonly id: number;
  /** Filtered position, world frame, Z up. */
  readonly keypoints_m: Uint8Array;
  /** xx, yy, zz, xy, xz, yz of the filtered position. */
  readonly covariance_m2: Uint8Array;
  /** Filtered velocity. */
  readonly velocity_m_s: Uint8Array;
  /** Where it will be `Pose3D.ahead_ms` after `t_ns`; NaN where not seen just now. */
  readonly predicted_m: Uint8Array;
  /** Triangulated from this instant alone; NaN where fewer than two cameras saw it. */
  readonly measured_m: Uint8Array;
  readonly confidence: Uint8Array;
  readonly n_views: Uint8Array;
  /** For each of `Pose3D.cameras` the place of this person in its keypoints; -1: not seen. */
  readonly detections: readonly number[];
  /** Bit c set: left and right were exchanged in camera c (order of `Pose3D.cameras`). */
  readonly swapped: number;
}

/** The people in the world at one instant: one message for each fused instant. */
export interface Pose3D extends Message {
  /** Consecutive number in this life of the fusion. */
  readonly instant: number;
  readonly skeleton: string;
  /** Cameras that took part, in the order of the bits of `Person3D.swapped`. */
  readonly cameras: readonly string[];
  /** The frame of each of these cameras. */
  readonly frames: readonly number[];
  /** (camera, frame) of each keypoint message taken in since the last instant, in that order: with
   *  it a recording can be fused again to the last bit.
   */
  readonly consumed: readonly (readonly [string, number])[];
  /** What the operator had decided by then of cameras that moved. */
  readonly decisions: readonly PlaceDecision[];
  readonly derived: number;
  /** How far ahead `Person3D.predicted_m` is. */
  readonly ahead_ms: number;
  readonly persons: readonly Person3D[];
}

/** The whole state of the fusion, or the kinematics, after an instant: to begin again there. */
export interface Checkpoint extends Message {
  readonly instant: number;
  readonly state: Uint8Array;
}

/** The joint coordinates of one person. */
export interface PersonAngles {
  readonly id: number;
  readonly status: "measuring" | "waiting" | "found" | "tracked" | "kept";
  /** rad, shifts in m; NaN where not known, as all are but for found and tracked. */
  readonly value: Uint8Array;
  /** Standard deviation, in the same units; infinite where the markers say nothing. */
  readonly sd: Uint8Array;
  /** rad/s, m/s; NaN where not known. */
  readonly rate: Uint8Array;
  /** 1 where the markers say enough; where they do not, the value is the model's guess. */
  readonly observed: Uint8Array;
  /** As measured, or as given; NaN while not known. */
  readonly height_m: number;
  /** Root mean square of the distances of the markers from the model's; NaN while not known. */
  readonly marker_rms_m: number;
  /** Heel strikes and toe-offs since the instant before. */
  readonly events: readonly GaitEvent[];
  /** While somebody walks. */
  readonly walking: Walking | null;
  readonly size: BodySize;
}

/** Joint coordinates of one fused instant, with the names that OpenSim has for them. */
export interface JointAngles extends Message {
  readonly instant: number;
  readonly coordinates: readonly string[];
  /** The people of interest at that moment; none: everybody. */
  readonly subjects: readonly number[];
  /** What was asked of the sizes of bodies by then. */
  readonly size_requests: readonly SizeRequest[];
  /** Why there can be no angles, in plain words; empty while there can. */
  readonly says: string;
  readonly persons: readonly PersonAngles[];
}

/** How well the cameras agree, over the last seconds. */
export interface RigQuality extends Message {
  readonly cameras: readonly CameraQuality[];
  readonly predictions: readonly PredictionQuality[];
  /** Keypoint set of `keypoint_px`; empty where that is. */
  readonly skeleton: string;
  /** Median distance over all cameras of what one sees to where the others put it; NaN while
   *  unknown.
   */
  readonly keypoint_px: Uint8Array;
}

/** The people of interest: for them angles are computed; repeated each second. */
export interface Subjects extends Message {
  /** As of `Person3D.id`; none: everybody. */
  readonly ids: readonly number[];
  /** The last one of each person. */
  readonly size_requests: readonly SizeRequest[];
}

/** Something that happened: a start, a death, a restart, a word of the operator. */
export interface Event extends Message {
  readonly name: string;
  readonly text: string;
  readonly process: string;
}

/** One foot, one moment. */
export interface GaitEvent {
  readonly kind: "heel strike" | "toe off";
  readonly side: "left" | "right";
  /** When it was, between two instants; earlier than the instant that showed it. */
  readonly t_ns: number;
}

/** Figures of the walk that goes on, of up to nine steps in a row. */
export interface Walking {
  /** Steps a minute. */
  readonly cadence_per_min: number;
  /** Median time to a side's heel strike from that of the other side. */
  readonly step_time_s: Readonly<Record<string, number>>;
  /** Shorter step time / longer one, 0..1. */
  readonly symmetry: number;
  /** Standard deviation of one side's step times, from their median deviation. */
  readonly step_spread_s: number;
}

/** How far the size of a body is measured, and whether that goes on. */
export interface BodySize {
  /** frozen: all frames were measured; frozen on request: it was asked to stop before. */
  readonly state: "measuring" | "frozen" | "frozen on request";
  /** Upright frames that were measured … */
  readonly frames: number;
  /** … of so many. */
  readonly wanted_frames: number;
  /** Upright frames that the model in force is scaled from; 0: there is none yet. */
  readonly model_frames: number;
  /** Greater than 0: freezing was asked for and refused, for so many upright frames are missing
   *  before there is a model to keep.
   */
  readonly lacking_frames: number;
}

/** What is asked of the size of one person's body. */
export interface SizeRequest {
  readonly person: number;
  /** freeze: keep the model in force; measure: begin anew. */
  readonly wish: "freeze" | "measure";
  /** Another for each request: it is said again and again, and granted or refused once. */
  readonly number: number;
}

/** How well one camera agrees with the others. */
export interface CameraQuality {
  readonly camera: string;
  /** Median distance of what it sees to where the others put it; NaN while unknown. */
  readonly held_out_px: number;
  /** By how much it looks turned since the run began. */
  readonly turned_deg: number;
  /** What is wrong with it, in plain words; empty while nothing is. */
  readonly says: string;
  /** By how much its pictures lag behind those of the others; NaN while unknown. */
  readonly late_ms: number;
  readonly late_sd_ms: number;
  /** By how much the capture times that it gives are late against the median camera, as a moving
   *  person tells by the epipolar geometry; NaN while unknown.
   */
  readonly offset_ms: number;
  /** Half-width that covers the truth 19 times in 20. */
  readonly offset_uncertainty_ms: number;
  /** What the fusion adds to its capture times; `late_ms` is what is left. */
  readonly shift_ms: number;
}

/** How far off the predictions for one person were, against what was measured then. */
export interface PredictionQuality {
  readonly id: number;
  /** Root mean square over the last two seconds; holds the error of the measurement too. */
  readonly predicted_mm: number;
  /** The same without prediction, of a pose shown so much later as it was. */
  readonly held_mm: number;
}

/** A camera that is not, or not surely, where it was calibrated. */
export interface CameraPlace {
  readonly camera: string;
  /** suspect: it moved and is left out until its new place is found; new: that is in force, until
   *  the operator decides; kept: the operator keeps it, or it is where it was before another knock;
   *  rejected: the former place is in force and the camera left out, until it agrees there again.
   */
  readonly state: "suspect" | "new" | "kept" | "rejected";
  /** Capture time of the first picture by which it had moved. */
  readonly since_ns: number;
  /** By how much it turned … */
  readonly turned_deg: number;
  /** … and moved; both 0 while the new place is sought. */
  readonly moved_m: number;
  /** Median error at the former place, against where the other cameras put people … */
  readonly before_px: number;
  /** … and at the new one, at instants that were not fitted; NaN while it is sought. */
  readonly after_px: number;
  /** `cam_from_world` before: m, Z up in the world. */
  readonly former: readonly [readonly [number, number, number, number], readonly [number, number, number, number], readonly [number, number, number, number]];
  /** `cam_from_world` as found again; `former` while it is sought. */
  readonly found: readonly [readonly [number, number, number, number], readonly [number, number, number, number], readonly [number, number, number, number]];
}

/** The cameras that are not where they were calibrated: with each change, and each second.  `t_ns`
 *  is the capture time of an instant; they hold for those after it.
 */
export interface RigPlaces extends Message {
  readonly cameras: readonly CameraPlace[];
}

/** What the operator decides of one camera that moved. */
export interface PlaceDecision {
  readonly camera: string;
  /** keep: use the new place; back: use the former one. */
  readonly wish: "keep" | "back";
  /** A larger one for each decision: it is said again and again, and carried out once. */
  readonly number: number;
}

/** What the operator decided, the last of each camera; repeated each second. */
export interface Decisions extends Message {
  readonly places: readonly PlaceDecision[];
}

/** How a picture uses the range of the sensor. */
export interface Exposure {
  /** 0 to 255. */
  readonly mean: number;
  /** Part of the pixels that are burnt out. */
  readonly white: number;
  readonly black: number;
  /** What is wrong, and what to do; empty while nothing is. */
  readonly says: string;
}

/** One message for the page. */
export type Letter = readonly [key: string, source: string, life_ns: number, message: unknown];

/** All that waited for the page. */
export type Batch = readonly [number: number, letters: readonly Letter[]];

/** Where a camera stands and how it looks: one entry of the run folder's calibration.json. */
export interface CalibratedCamera {
  readonly name: string;
  readonly width_px: number;
  readonly height_px: number;
  /** (3, 3) */
  readonly image_from_cam: readonly (readonly [number, number, number])[];
  /** (3, 4) in metres, Z up in the world. */
  readonly cam_from_world: readonly (readonly [number, number, number, number])[];
}

/** A keypoint set, as of `core.skeletons`. */
export interface SkeletonShape {
  readonly name: string;
  readonly names: readonly string[];
  readonly bones: readonly (readonly [number, number])[];
  readonly partner: readonly number[];
}

/** The first letter on each connection: what holds for the run. */
export interface Hello {
  readonly schema_version: number;
  /** Name of the session folder where the settings name one, else empty. */
  readonly session: string;
  /** Whether the run has a recorder; how it fares says its health. */
  readonly recording: boolean;
  readonly cameras: readonly string[];
  /** Those of the cameras whose calibration is known. */
  readonly calibrated: readonly CalibratedCamera[];
  readonly skeletons: readonly SkeletonShape[];
  /** Nominal rate by topic. */
  readonly rates_hz: Readonly<Record<string, number>>;
  /** Silence after which a topic is late. */
  readonly late_after_ms: Readonly<Record<string, number>>;
}

/** A picture of a camera with the people found in this very picture. */
export interface CameraView extends Message {
  readonly camera: string;
  readonly frame: number;
  /** Size of the picture as captured: keypoints speak of this one, the JPEG is smaller. */
  readonly width_px: number;
  readonly height_px: number;
  readonly jpeg: Uint8Array;
  /** None while no pose worker looks at this camera. */
  readonly keypoints2d: Keypoints2D | null;
}

/** How often each process began anew while the monitor watched. */
export interface Restarts {
  readonly restarts: Readonly<Record<string, number>>;
}

/** Answer to a ping: with it the page knows the rig clock. */
export interface Pong {
  /** The number that came with the ping. */
  readonly pong: number;
  readonly rig_ns: number;
}

/** From exposure to drawn, over the last ten seconds. */
export interface ScreenLatency {
  readonly p50_ms: number;
  readonly p95_ms: number;
}

/** What a page says: any of these. */
export interface FromPage {
  /** `performance.now()` */
  readonly ping?: number;
  /** Number of the last batch read. */
  readonly ack?: number;
  readonly screen_latency?: ScreenLatency;
  /** This person is of interest … */
  readonly pin?: number;
  /** … and this one no longer. */
  readonly unpin?: number;
  /** Keep this person's body model as it is … */
  readonly freeze_size?: number;
  /** … and measure this person's body anew. */
  readonly measure_size?: number;
  /** This camera moved: use its new place … */
  readonly keep_place?: string;
  /** … or go back to the one before, and leave the camera out. */
  readonly former_place?: string;
  /** This moment is called so. */
  readonly mark?: string;
}

/** Body of `POST /api/mark`. */
export interface MarkRequest {
  readonly text: string;
}

/** Answer to `POST /api/mark`. */
export interface Marked {
  /** The moment, rig clock. */
  readonly t_ns: number;
  /** As it is recorded. */
  readonly text: string;
}

/** What the page that cameras are set up by shows of one. */
export interface CameraPreview {
  readonly camera: string;
  readonly driver: string;
  readonly size_px: readonly [number, number];
  /** As measured over the last seconds. */
  readonly rate_hz: number;
  readonly time_origin: "hardware" | "driver" | "host" | "file";
  readonly time_uncertainty_ns: number;
  readonly sharpness: number;
  /** Most so far; 'as sharp as it was' is 1 of it. */
  readonly sharpest: number;
  readonly exposure: Exposure | null;
  readonly lost: Readonly<Record<string, number>>;
  /** Of the picture; 0: none yet. */
  readonly number: number;
  readonly trouble: string;
}

/** Message type by topic. */
export interface Topics {
  readonly "frame": FrameDescriptor;
  readonly "packet": Packet;
  readonly "camera": CameraStatus;
  readonly "clock": ClockSample;
  readonly "host_clock": HostClockSample;
  readonly "keypoints2d": Keypoints2D;
  readonly "pose3d": Pose3D;
  readonly "checkpoint": Checkpoint;
  readonly "angles": JointAngles;
  readonly "angles_checkpoint": Checkpoint;
  readonly "quality": RigQuality;
  readonly "rig": RigPlaces;
  readonly "decisions": Decisions;
  readonly "subjects": Subjects;
  readonly "event": Event;
  readonly "health": Health;
}

/** What array fields hold; a letter stands for a length that follows from the bytes. */
export const ARRAYS = {
  ClockSample: {
    device_ticks: { dtype: "<i8", shape: ["N"] },
    host_ns: { dtype: "<i8", shape: ["N"] },
  },
  HostClockSample: {
    sent_ns: { dtype: "<i8", shape: ["N"] },
    there_ns: { dtype: "<i8", shape: ["N"] },
    back_ns: { dtype: "<i8", shape: ["N"] },
  },
  Person2D: {
    keypoints_px: { dtype: "<f4", shape: ["J", 2] },
    confidence: { dtype: "<f4", shape: ["J"] },
    covariance_px2: { dtype: "<f4", shape: ["J", 3] },
  },
  Person3D: {
    keypoints_m: { dtype: "<f4", shape: ["J", 3] },
    covariance_m2: { dtype: "<f4", shape: ["J", 6] },
    velocity_m_s: { dtype: "<f4", shape: ["J", 3] },
    predicted_m: { dtype: "<f4", shape: ["J", 3] },
    measured_m: { dtype: "<f4", shape: ["J", 3] },
    confidence: { dtype: "<f4", shape: ["J"] },
    n_views: { dtype: "|u1", shape: ["J"] },
  },
  PersonAngles: {
    value: { dtype: "<f4", shape: ["Q"] },
    sd: { dtype: "<f4", shape: ["Q"] },
    rate: { dtype: "<f4", shape: ["Q"] },
    observed: { dtype: "|u1", shape: ["Q"] },
  },
  RigQuality: {
    keypoint_px: { dtype: "<f4", shape: ["J"] },
  },
} as const;

/** Floats of an array field: a view where the bytes lie aligned, else a copy. */
export function float32(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset % 4 === 0
    ? new Float32Array(buffer, byteOffset, byteLength / 4)
    : new Float32Array(bytes.slice().buffer);
}
