"""Text of a .mot and back."""

from pathlib import Path

import numpy as np
import pytest

from core import mot
from core.errors import SessionError
from core.mot import Mot
from tests.unit.kinematics.bodies import MODELS, published
from tools.opensim_model import open_model, read_model
from tools.quiet_opensim import opensim


def test_numbers_survive():
    values = np.random.default_rng(0).normal(size=(5, 3))
    table = Mot(("a", "b", "c"), np.arange(5) / 60, values, in_degrees=True)
    again = mot.parse(mot.write(table))
    assert again.columns == table.columns
    assert again.in_degrees
    np.testing.assert_array_equal(again.values, values)
    np.testing.assert_array_equal(again.times_s, table.times_s)


def test_what_is_no_mot_is_refused():
    with pytest.raises(SessionError, match="endheader"):
        mot.parse("name\n1 2 3\n")
    with pytest.raises(SessionError, match="2 numbers below 3 columns"):
        mot.parse("x\nendheader\ntime\ta\tb\n0.0\t1.0\n")


@pytest.mark.slow
def test_opensim_reads_the_same_pose(tmp_path: Path):
    """The muscle model's knee_angle_r_beta is coupled: in radians, and OpenSim takes it so."""
    path = published(MODELS[1])
    tree, model = read_model(path), open_model(path)
    q = np.random.default_rng(0).uniform(-0.3, 0.3, (2, len(tree.coordinates)))
    (tmp_path / "q.mot").write_text(mot.write(mot.of_coordinates(tree, np.arange(2) / 60, q)))
    storage = opensim.Storage(str(tmp_path / "q.mot"))
    model.getSimbodyEngine().convertDegreesToRadians(storage)
    for number, name in enumerate(tree.coordinates):
        row = opensim.ArrayDouble()
        storage.getDataColumn(name, row)
        assert [row.get(0), row.get(1)] == pytest.approx(q[:, number].tolist(), abs=1e-12)
    again = mot.to_coordinates(mot.parse((tmp_path / "q.mot").read_text()), tree)
    np.testing.assert_allclose(again, q, atol=1e-15)
