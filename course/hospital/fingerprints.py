"""Records as JSON and back, and the hashes by which a run is recognised: of code, patients and weights."""

import dataclasses
import hashlib
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import numpy as np
from torch import Tensor

from course.hospital.patients import Patient

COURSE = Path(__file__).parent.parent


def plain(value: object) -> object:
    """A record as what JSON holds: fields by name, enums by their word, infinity as "inf"."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, float | np.floating):
        return "inf" if math.isinf(value) else float(value)
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    raise ValueError(f"a record holds numbers, words and records; not {type(value).__name__}")


def built(kind: object, data: object) -> object:
    """The record of a type from what `plain` made of it.

    Raises:
        ValueError: if a field is missing, unknown or of another type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else built(arguments[0], data)
    if dataclasses.is_dataclass(kind):
        return _built_record(kind, data)
    if origin is tuple:
        _expect(isinstance(data, list), kind, data)
        return tuple(built(arguments[0], entry) for entry in data)
    if origin is dict:
        _expect(isinstance(data, dict), kind, data)
        return {str(key): built(arguments[1], entry) for key, entry in data.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is float:
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        _expect(is_number or data == "inf", kind, data)
        return float(data)
    _expect(type(data) is kind, kind, data)
    return data


def _built_record(kind: type, data: object) -> object:
    hints = typing.get_type_hints(kind)
    if not isinstance(data, dict) or set(data) != set(hints):
        found = sorted(data) if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"{kind.__name__} has the fields {sorted(hints)}; found {found}")
    return kind(**{name: built(hint, data[name]) for name, hint in hints.items()})


def _expect(holds: bool, kind: object, data: object) -> None:
    if not holds:
        raise ValueError(f"expected {getattr(kind, '__name__', kind)}, not {data!r:.60}")


def code_sha256(folder: Path = COURSE) -> str:
    """Of every Python file of the course, with its path: another character gives another hash."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def file_sha256(file: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def data_sha256(hospitals: Mapping[str, typing.Sequence[Patient]]) -> str:
    """Of every patient's hospital, id, slices and outlines, in the order of the mapping.

    Limits: the hash of one patient's scan says whether a scan that somebody holds is that one. Of a whole
        study's scans it says only whether all of them are the same.
    """
    whole = hashlib.sha256()
    for hospital, patients in hospitals.items():
        for patient in patients:
            whole.update(f"{hospital}\0{patient.patient_id}\0{patient.slices.shape}".encode())
            whole.update(np.ascontiguousarray(patient.slices).tobytes())
            whole.update(np.packbits(patient.tumour_mask).tobytes())
    return whole.hexdigest()


def weights_sha256(weights: np.ndarray | Tensor | Mapping[str, Tensor]) -> str:
    """Of a model's weights as float64, by name where there are names."""
    named = weights if isinstance(weights, Mapping) else {"": weights}
    whole = hashlib.sha256()
    for name, tensor in named.items():
        array = tensor.detach().numpy() if isinstance(tensor, Tensor) else np.asarray(tensor)
        whole.update(f"{name}\0{array.shape}".encode() + array.astype("<f8").tobytes())
    return whole.hexdigest()
