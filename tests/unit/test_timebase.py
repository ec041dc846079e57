from hypothesis import given, strategies

from core.timebase import START_PHASE_NS, grid_cell, grid_start_ns

SECOND = 1_000_000_000


@given(strategies.integers(0, 2 * 10**18))
def test_a_rig_starts_soon_and_within_the_cells(now_ns):
    start_ns = grid_start_ns(now_ns)
    assert now_ns < start_ns <= now_ns + SECOND + START_PHASE_NS
    assert start_ns % SECOND == START_PHASE_NS


def test_each_cell_of_fifteen_hertz_gets_four_frames_of_sixty():
    start_ns = grid_start_ns(1_700_000_000 * SECOND)
    cells = [grid_cell(start_ns + round(k * SECOND / 60), 15.0) for k in range(6000)]
    assert [cells.count(cell) for cell in sorted(set(cells))] == [4] * 1500


@given(strategies.integers(-3_000_000, 3_000_000), strategies.integers(0, 6000))
def test_jitter_does_not_move_frames_across(jitter_ns, frame):
    start_ns = grid_start_ns(1_700_000_000 * SECOND)
    t_ns = start_ns + round(frame * SECOND / 60)
    assert grid_cell(t_ns, 15.0) == grid_cell(t_ns + jitter_ns, 15.0)
