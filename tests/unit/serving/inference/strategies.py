"""Tensors and messages for property tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from andon.serving.inference import DTYPES, Datatype, InferRequest, InferResponse, Tensor, WantedOutput

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple)
PARAMETERS = st.dictionaries(
    NAMES.filter(lambda name: not name.startswith("binary_data")),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    max_size=3,
)


@st.composite
def tensors(draw: st.DrawFn, name: str, *, text: bool = True) -> Tensor:
    """Any tensor; with `text` its BYTES are UTF-8 and its numbers finite, as JSON needs them."""
    datatype, shape = draw(st.sampled_from(list(Datatype))), draw(SHAPES)
    size = int(np.prod(shape))
    if datatype is Datatype.BYTES:
        element = st.text(st.characters(codec="utf-8")).map(str.encode) if text else st.binary(max_size=20)
        return Tensor(name, datatype, shape, draw(st.lists(element, min_size=size, max_size=size)))
    dtype = DTYPES[datatype]
    values = of_numpy.from_dtype(dtype, allow_nan=not text, allow_infinity=not text)
    return Tensor(name, datatype, shape, draw(of_numpy.arrays(dtype, size, elements=values)))


@st.composite
def many_tensors(draw: st.DrawFn, *, text: bool = True, least: int = 1) -> list[Tensor]:
    """Tensors of different names."""
    return [draw(tensors(name, text=text)) for name in draw(st.lists(NAMES, min_size=least, max_size=3, unique=True))]


@st.composite
def requests(draw: st.DrawFn, *, text: bool = True) -> InferRequest:
    """Return a whole request."""
    outputs = draw(st.lists(NAMES, max_size=3, unique=True))
    return InferRequest(
        inputs=draw(many_tensors(text=text)),
        outputs=[WantedOutput(name) for name in outputs],
        id=draw(st.text(st.characters(codec="utf-8"), max_size=8)),
        parameters=draw(PARAMETERS),
    )


@st.composite
def responses(draw: st.DrawFn, *, text: bool = True) -> InferResponse:
    """Return a whole answer."""
    return InferResponse(
        model=draw(NAMES), version="3", outputs=draw(many_tensors(text=text)), id="7", parameters=draw(PARAMETERS)
    )


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal in everything, NaN for NaN."""
    if (one.name, one.datatype, one.shape) != (other.name, other.datatype, other.shape):
        return False
    if isinstance(one.data, list) or isinstance(other.data, list):
        return one.data == other.data
    return one.data.dtype == other.data.dtype and one.data.tobytes() == other.data.tobytes()
