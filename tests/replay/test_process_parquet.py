"""The table of joint angles as .parquet, where pyarrow is installed."""

import csv
import json
from typing import Any

import numpy as np
import pytest

from tests.services.trial_project import trial
from tools.process_run import process_folder


@pytest.fixture(scope="module")
def parquet() -> Any:
    reason = "needs pyarrow: uv sync --extra parquet"
    return pytest.importorskip("pyarrow.parquet", reason=reason)


def test_the_table_reads_back_as_the_csv(parquet, tmp_path):
    out = tmp_path / "out"
    process_folder(trial(tmp_path / "balancing"), out, ("kinematics.parquet=true",))
    (person,) = json.loads((out / "summary.json").read_text())["persons"]
    assert person["parquet"] == person["csv"].replace(".csv", ".parquet")
    found = parquet.read_table(out / person["parquet"])
    with (out / person["csv"]).open(newline="") as file:
        head, *rows = csv.reader(file)
    assert found.column_names == head
    assert found.num_rows == len(rows) == 100
    for place, name in enumerate(head):
        expected = [float(row[place]) if row[place] else np.nan for row in rows]
        column = found.column(name).to_numpy()
        assert column.dtype == np.float64
        np.testing.assert_allclose(column, expected, rtol=1e-9, err_msg=name)
