/** Joint angles in words: why there are none, what is being measured, how somebody walks. */

import type { PersonAngles } from "./messages";

const METRES = (value: number) => `${value.toFixed(2)} m`;

/** One line on the person plotted; `says` is what the kinematics has against all of them. */
export function sayingOf(person: PersonAngles | null, says: string): string {
  if (says) return says;
  if (!person) return "";
  switch (person.status) {
    case "measuring":
      return `Person ${person.id}: measuring, stand upright for a moment`;
    case "waiting":
      return `Person ${person.id}: not enough of the body is seen yet`;
    case "kept":
      return `Person ${person.id}: too little of the body is seen`;
    default:
      return [`Person ${person.id}: ${METRES(person.height_m)} tall`, fit(person), walk(person)]
        .filter(Boolean)
        .join(" · ");
  }
}

function fit(person: PersonAngles): string {
  return `markers ${Math.round(person.marker_rms_m * 1000)} mm off the model`;
}

function walk({ walking }: PersonAngles): string {
  return walking ? `walking, ${Math.round(walking.cadence_per_min)} steps/min` : "";
}
