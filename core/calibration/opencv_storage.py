"""OpenCV's FileStorage YAML: text to matrices and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import CalibrationError

F64 = NDArray[np.float64]
Node = F64 | float | str | list[str]
HEADER = "%YAML:1.0\n---\n"


def parse(text: str) -> dict[str, Node]:
    """Read the matrices, numbers, words and lists of words on the outermost level by name.

    Raises:
        CalibrationError: not such a file.
    """
    if "%YAML" not in text and "opencv_storage" not in text:
        text = HEADER + text  # EasyMocap's newer writer leaves it out
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        root = storage.root()
        nodes = {key: _value(root.getNode(key)) for key in list(root.keys())}
        storage.release()
    except (cv2.error, SystemError, ValueError) as error:
        raise CalibrationError(f"not OpenCV's YAML: {str(error).splitlines()[0]}") from error
    return {key: value for key, value in nodes.items() if value is not None}


def _value(node: Any) -> Node | None:
    if node.isString():
        return str(node.string())
    if node.isInt() or node.isReal():
        return float(node.real())
    if node.isSeq():
        items = [node.at(place) for place in range(node.size())]
        if all(one.isString() for one in items):
            return [str(one.string()) for one in items]
        if all(one.isInt() or one.isReal() for one in items):
            return np.array([float(one.real()) for one in items])
        return None
    is_matrix = node.isMap() and not node.getNode("data").empty()
    matrix = node.mat() if is_matrix else None
    return None if matrix is None else np.array(matrix, dtype=np.float64)


def write(nodes: Mapping[str, F64 | float | str | Sequence[str]]) -> str:
    """Write matrices, numbers, words and lists of words; all digits are kept."""
    return HEADER + "".join(_written(key, value) for key, value in nodes.items())


def _written(key: str, value: F64 | float | str | Sequence[str]) -> str:
    if isinstance(value, str):
        return f'{key}: "{value}"\n'
    if isinstance(value, float | int):
        return f"{key}: {value!r}\n"
    if not isinstance(value, np.ndarray):
        return f"{key}:\n" + "".join(f'   - "{one}"\n' for one in value)
    rows, columns = value.shape
    numbers = ",\n       ".join(repr(float(one)) for one in value.ravel())
    return (
        f"{key}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n"
        f"   data: [ {numbers} ]\n"
    )
