"""A figure of what an instant costs over people and cameras, as plain SVG."""

from collections.abc import Mapping, Sequence

from tools.bench_fusion import N_CAMERAS, N_PEOPLE, case_name

_WIDTH, _HEIGHT, _LEFT, _BELOW = 360, 240, 50, 40


def svg(us: Mapping[str, float]) -> str:
    """Draw both curves, each from zero; ``us``: of each case of ``bench_fusion.measure``."""
    people = [(n, us[case_name(4, n)], us[f"{case_name(4, n)}, p99"]) for n in N_PEOPLE]
    cameras = [(n, us[case_name(n, 1)], us[f"{case_name(n, 1)}, p99"]) for n in N_CAMERAS]
    plots = _plot(0, "people, 4 cameras", people) + _plot(_WIDTH, "cameras, 1 person", cameras)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{plots}</svg>\n'
    )


def _plot(left: int, title: str, points: Sequence[tuple[int, float, float]]) -> str:
    """One curve of medians with its 99th percentiles: (number, median, p99) in µs."""
    most_x = max(n for n, *_ in points)
    most_us = max(p99 for *_, p99 in points) * 1.05
    base, x0 = _HEIGHT - _BELOW, left + _LEFT

    def x(n: float) -> float:
        return x0 + n / most_x * (_WIDTH - _LEFT - 15)

    def y(us: float) -> float:
        return base - us / most_us * (base - 25)

    line = " ".join(f"{x(n):.1f},{y(us):.1f}" for n, us, _ in points)
    high = " ".join(f"{x(n):.1f},{y(p99):.1f}" for n, _, p99 in points)
    marks = "".join(f'<circle cx="{x(n):.1f}" cy="{y(us):.1f}" r="3"/>' for n, us, _ in points)
    below = "".join(
        f'<text x="{x(n):.1f}" y="{base + 15}" text-anchor="middle">{n}</text>' for n, *_ in points
    )
    beside = "".join(
        f'<text x="{x0 - 5}" y="{y(us) + 4:.1f}" text-anchor="end">{us:.0f}</text>'
        for us in (0.0, most_us / 2, most_us)
    )
    return (
        f'<path d="M{x0} 20V{base}H{left + _WIDTH - 15}" fill="none" stroke="black"/>\n'
        f'<polyline points="{line}" fill="none" stroke="#1667b0" stroke-width="2"/>\n'
        f'<polyline points="{high}" fill="none" stroke="#999" stroke-dasharray="4 3"/>\n'
        f'<g fill="#1667b0">{marks}</g>\n{below}\n{beside}\n'
        f'<text x="{x0 + 8}" y="16">µs an instant: median, dashed p99</text>\n'
        f'<text x="{left + _WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{title}</text>\n'
    )
