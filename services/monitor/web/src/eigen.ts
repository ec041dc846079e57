/** Eigenvectors of symmetric 3 × 3 matrices, without allocating: once for each keypoint. */

const SWEEPS = 6;
const PAIRS = [0, 1, 0, 2, 1, 2] as const;

/**
 * Cyclic Jacobi (Golub and Van Loan, Matrix Computations, 4th ed., section 8.5). On return the
 * diagonal of `a` (row-major) holds the eigenvalues and the columns of `v` the vectors.
 */
export function diagonalise(a: Float64Array, v: Float64Array): void {
  v.fill(0);
  v[0] = v[4] = v[8] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let pair = 0; pair < 6; pair += 2) rotate(a, v, PAIRS[pair]!, PAIRS[pair + 1]!);
  }
}

function rotate(a: Float64Array, v: Float64Array, p: number, q: number): void {
  const off = a[3 * p + q]!;
  if (off === 0) return;
  const theta = (a[4 * q]! - a[4 * p]!) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < 3; k++) turn(a, 3 * k + p, 3 * k + q, c, s);
  for (let k = 0; k < 3; k++) turn(a, 3 * p + k, 3 * q + k, c, s);
  for (let k = 0; k < 3; k++) turn(v, 3 * k + p, 3 * k + q, c, s);
}

function turn(m: Float64Array, i: number, j: number, c: number, s: number): void {
  const x = m[i]!;
  const y = m[j]!;
  m[i] = c * x - s * y;
  m[j] = s * x + c * y;
}
