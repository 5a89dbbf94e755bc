"""Tensors of the Open Inference Protocol: a name, a datatype, a shape and flat data in row-major order.

Numbers are numpy arrays, BYTES are lists of bytes. A Tensor that exists is whole: its data has as many elements as its
shape says. Start at `Tensor`; `of_values`, `of_binary` and `binary_of` are the ways in and out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import prod
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from andon.serving.inference.errors import InferenceInvalid

MAX_RANK = 32
"""Dimensions of a tensor at most."""

MAX_ELEMENTS = 2**31 - 1
"""Elements of a tensor at most, whatever its message may weigh."""

Array: TypeAlias = NDArray[Any]
Data: TypeAlias = Array | list[bytes]


class Datatype(StrEnum):
    """The types of a tensor's elements."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"


DTYPES: Mapping[Datatype, np.dtype[Any]] = {
    Datatype.BOOL: np.dtype("?"),
    Datatype.UINT8: np.dtype("u1"),
    Datatype.UINT16: np.dtype("<u2"),
    Datatype.UINT32: np.dtype("<u4"),
    Datatype.UINT64: np.dtype("<u8"),
    Datatype.INT8: np.dtype("i1"),
    Datatype.INT16: np.dtype("<i2"),
    Datatype.INT32: np.dtype("<i4"),
    Datatype.INT64: np.dtype("<i8"),
    Datatype.FP16: np.dtype("<f2"),
    Datatype.FP32: np.dtype("<f4"),
    Datatype.FP64: np.dtype("<f8"),
}
"""The numpy dtype of each datatype but BYTES; little-endian, as they travel."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor. `data` is flat: a numpy array of the datatype's dtype, or a list of bytes.

    Raises InferenceInvalid if the data does not fit the datatype and shape.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    data: Data

    def __post_init__(self) -> None:
        wanted = elements(self.name, self.shape)
        if len(self.data) != wanted:
            raise wrong(
                self.name, f"its shape {list(self.shape)} has {wanted} elements, but its data has {len(self.data)}"
            )

    @property
    def rows(self) -> int:
        """The length of the first dimension."""
        return self.shape[0] if self.shape else 1

    def array(self) -> Array:
        """Numbers in their shape. Raises InferenceInvalid for BYTES."""
        if isinstance(self.data, list):
            raise wrong(self.name, "expected numbers, got BYTES")
        return self.data.reshape(self.shape)

    def values(self) -> list[Any]:
        """Return the flat data as JSON values: bool, int, float (None for NaN), or str.

        Raises InferenceInvalid for what JSON cannot hold: infinity, and BYTES that are not UTF-8.
        """
        if not isinstance(self.data, list):
            flat = cast("list[Any]", self.data.tolist())
            if self.data.dtype.kind != "f" or np.isfinite(self.data).all():
                return flat
            if np.isinf(self.data).any():
                raise wrong(self.name, "a value is infinite")
            return [None if value != value else value for value in flat]
        try:
            return [element.decode() for element in self.data]
        except UnicodeDecodeError:
            raise wrong(self.name, "its BYTES are not UTF-8") from None


def wrong(name: str, what: str) -> InferenceInvalid:
    """Return the error that names a tensor and its fault."""
    return InferenceInvalid(f"Tensor {shown(name)}: {what}")


def shown(name: str) -> str:
    """Return a caller's own text for an error: quoted and truncated to a line."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


def datatype_of(name: str, given: object) -> Datatype:
    """Return the datatype of this name. Raises InferenceInvalid."""
    if not isinstance(given, str):
        raise wrong(name, "its datatype is missing or not a string")
    try:
        return Datatype(given)
    except ValueError:
        raise wrong(name, f"unknown datatype {shown(given)}; expected one of {', '.join(Datatype)}") from None


def elements(name: str, shape: Sequence[object]) -> int:
    """Return how many elements a shape has. Raises InferenceInvalid for one that no tensor can have."""
    if len(shape) > MAX_RANK:
        raise wrong(name, f"{len(shape)} dimensions; at most {MAX_RANK} are allowed")
    for length in shape:
        if type(length) is not int:
            raise wrong(name, f"a dimension is a {type(length).__name__}, not an integer")
        if not 0 <= length <= MAX_ELEMENTS:
            raise wrong(name, f"a dimension is {'negative' if length < 0 else f'larger than {MAX_ELEMENTS}'}")
    size = prod(cast("Sequence[int]", shape))
    if size > MAX_ELEMENTS:
        raise wrong(name, f"its shape has more than {MAX_ELEMENTS} elements")
    return size


def of_array(name: str, array: Array) -> Tensor:
    """Return a tensor of an array in its shape; str and bytes (also as objects) become BYTES.

    Raises InferenceInvalid.
    """
    if array.dtype.kind in "OSU":
        flat = [each.encode() if isinstance(each, str) else each for each in array.ravel().tolist()]
        if not all(isinstance(each, bytes) for each in flat):
            raise wrong(name, "an object array must contain only str or bytes")
        return Tensor(name, Datatype.BYTES, array.shape, flat)
    for datatype, dtype in DTYPES.items():
        if array.dtype.newbyteorder("<") == dtype:
            return Tensor(name, datatype, array.shape, np.ascontiguousarray(array, dtype).ravel())
    raise wrong(name, f"no datatype matches an array of {array.dtype}")


def of_values(name: str, datatype: Datatype, shape: tuple[int, ...], values: object) -> Tensor:
    """Return a tensor of JSON values, flat or nested like the shape.

    Raises InferenceInvalid unless they fit exactly.
    """
    wanted = elements(name, shape)
    flat = _flat(name, shape, values)
    if len(flat) != wanted:
        raise wrong(name, f"its shape {list(shape)} has {wanted} elements, but its data has {len(flat)}")
    return Tensor(name, datatype, shape, _data(name, datatype, flat))


def of_numbers(name: str, datatype: Datatype, shape: tuple[int, ...], values: list[Any]) -> Tensor:
    """Return a tensor of protobuf's typed contents: flat, of the right kind, perhaps too wide.

    Raises InferenceInvalid.
    """
    try:
        data = values if datatype is Datatype.BYTES else np.array(values, DTYPES[datatype])
    except OverflowError:
        raise wrong(name, f"a value is outside the range of {datatype}") from None
    return Tensor(name, datatype, shape, data)


def of_binary(name: str, datatype: Datatype, shape: tuple[int, ...], content: bytes | memoryview) -> Tensor:
    """Return a tensor of its binary form. Raises InferenceInvalid if the length or the content does not fit."""
    wanted = elements(name, shape)
    if datatype is Datatype.BYTES:
        return Tensor(name, datatype, shape, _split(name, wanted, bytes(content)))
    dtype = DTYPES[datatype]
    if len(content) != wanted * dtype.itemsize:
        raise wrong(
            name,
            f"{datatype} of shape {list(shape)} takes {wanted * dtype.itemsize} bytes, but {len(content)} were sent",
        )
    if datatype is Datatype.BOOL:
        raw = np.frombuffer(content, np.uint8)
        if raw.size and raw.max() > 1:
            raise wrong(name, "a BOOL must be a byte of 0 or 1")
        return Tensor(name, datatype, shape, raw.view(np.bool_))
    return Tensor(name, datatype, shape, np.frombuffer(content, dtype))


def binary_of(tensor: Tensor) -> bytes:
    """Return the binary form: little-endian numbers; BYTES each after its length in four bytes."""
    if not isinstance(tensor.data, list):
        return tensor.data.astype(DTYPES[tensor.datatype], copy=False).tobytes()
    return b"".join(chain.from_iterable((len(each).to_bytes(4, "little"), each) for each in tensor.data))


def _flat(name: str, shape: tuple[int, ...], values: object) -> list[Any]:
    """Return the leaves of nested lists, which must be nested like the shape, or not at all."""
    if not isinstance(values, list):
        raise wrong(name, f"its data is a {type(values).__name__}, not an array")
    if not any(isinstance(each, list) for each in values):
        return values
    level: list[Any] = [values]
    for length in shape:
        if not all(isinstance(each, list) and len(each) == length for each in level):
            raise wrong(name, f"the nesting of its data does not match its shape {list(shape)}")
        level = list(chain.from_iterable(level))
    return level


def _data(name: str, datatype: Datatype, flat: list[Any]) -> Data:
    if datatype is Datatype.BYTES:
        return [_encoded(name, each) for each in flat]
    if datatype is Datatype.BOOL:
        _require(name, datatype, flat, {bool})
        return np.array(flat, np.bool_)
    if datatype in (Datatype.FP16, Datatype.FP32, Datatype.FP64):
        return _floats(name, datatype, flat)
    _require(name, datatype, flat, {int})
    try:
        return np.array(flat, DTYPES[datatype])
    except OverflowError:
        raise wrong(name, f"a value is outside the range of {datatype}") from None


def _floats(name: str, datatype: Datatype, flat: list[Any]) -> Array:
    """JSON holds no NaN: null stands for it."""
    _require(name, datatype, flat, {int, float, type(None)})
    try:
        wide = np.array([np.nan if each is None else float(each) for each in flat], np.float64)
    except OverflowError:
        raise wrong(name, f"a value is outside the range of {datatype}") from None
    with np.errstate(over="ignore"):
        narrow = wide.astype(DTYPES[datatype])
    if np.isinf(narrow).any():
        raise wrong(name, f"a value is outside the range of {datatype}")
    return narrow


def _require(name: str, datatype: Datatype, flat: list[Any], kinds: set[type]) -> None:
    odd = set(map(type, flat)) - kinds
    if odd:
        raise wrong(
            name, f"its data contains {', '.join(sorted(_json_name(kind) for kind in odd))}, not only {datatype}"
        )


def _json_name(kind: type) -> str:
    named = {
        type(None): "null",
        bool: "a boolean",
        str: "a string",
        dict: "an object",
        list: "an array",
        float: "a float",
    }
    return named.get(kind, "a number")


def _encoded(name: str, element: object) -> bytes:
    if not isinstance(element, str):
        raise wrong(name, f"its data contains {_json_name(type(element))}, not only BYTES")
    try:
        return element.encode()
    except UnicodeEncodeError:
        raise wrong(name, "its data contains text that is not Unicode") from None


def _split(name: str, wanted: int, content: bytes) -> list[bytes]:
    """Return the elements of a BYTES tensor's binary form."""
    found: list[bytes] = []
    at, end = 0, len(content)
    while at < end and len(found) < wanted:
        start = at + 4
        at = start + int.from_bytes(content[at:start], "little")
        if start > end or at > end:
            raise wrong(name, "its binary data ends within an element")
        found.append(content[start:at])
    if at != end or len(found) != wanted:
        more = "more" if at < end else "fewer"
        raise wrong(name, f"its binary data contains {more} elements than the {wanted} of its shape")
    return found
