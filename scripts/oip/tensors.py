"""Tensors of every type, with the ends of its range."""

import ml_dtypes
import numpy as np

# The specification's table of types.
TYPES = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"]
NUMPY = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64, "INT8": np.int8,
    "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
    "BF16": ml_dtypes.bfloat16, "BYTES": np.object_,
}
# The field of InferTensorContents that holds each; the 16-bit floats have none.
CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}


def kind_of(array):
    """The protocol's name of an array's type."""
    return next(name for name, dtype in NUMPY.items() if array.dtype == dtype)


def sample(kind):
    """Two rows of three elements."""
    dtype = NUMPY[kind]
    if kind == "BOOL":
        return np.array([[True, False, True], [False, False, True]])
    if kind == "BYTES":
        return np.array([[b"", b"text", "gr\u00fc\u00dfe \u6f22".encode()], [b'a "quote" \\ \n', b"[1,2]", b" "]], dtype=object)
    if kind == "BF16":
        return np.array([[0, 1, -1], [0.5, 3.0e38, -2.0e-38]], dtype=dtype)
    if kind.startswith("FP"):
        limits = np.finfo(dtype)
        return np.array([[0, -1.5, 0.1], [limits.max, limits.min, limits.tiny]], dtype=dtype)
    limits = np.iinfo(dtype)
    return np.array([[limits.min, 0, 1], [limits.max, limits.max - 1, 7]], dtype=dtype)


def to_raw(array):
    """The bytes of the binary form."""
    if array.dtype == np.object_:
        return b"".join(len(item).to_bytes(4, "little") + item for item in array.flatten())
    return np.ascontiguousarray(array).tobytes()


def from_raw(raw, kind, shape):
    """A tensor from its binary form; fails when the bytes are not as many as the shape asks for."""
    if kind != "BYTES":
        return np.frombuffer(raw, dtype=NUMPY[kind]).reshape(shape)
    items, place = [], 0
    while place < len(raw):
        length = int.from_bytes(raw[place : place + 4], "little")
        if place + 4 + length > len(raw):
            raise AssertionError("an element of BYTES goes beyond the tensor's end")
        items.append(raw[place + 4 : place + 4 + length])
        place += 4 + length
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def to_json(array):
    """The flat list that JSON carries."""
    return [item.decode() if isinstance(item, bytes) else item for item in array.flatten().tolist()]


def from_json(data, kind, shape):
    """A tensor from JSON's list, flat or nested."""

    def flat(data):
        for item in data:
            yield from flat(item) if isinstance(item, list) else [item]

    items = list(flat(data))
    wanted = {"BOOL": bool, "BYTES": str}.get(kind, (int, float))
    for item in items:
        if not isinstance(item, wanted) or (kind != "BOOL" and isinstance(item, bool)):
            raise AssertionError(f"an element of {kind} in JSON is {item!r}")
    if kind == "BYTES":
        array = np.empty(len(items), dtype=object)
        array[:] = [item.encode() for item in items]
    else:
        array = np.array(items, dtype=NUMPY[kind])
    return array.reshape(shape)


def check_equal(got, expected, what):
    """Fails unless both have the same type, shape and elements, NaN included."""
    if got.dtype != expected.dtype:
        raise AssertionError(f"{what}: expected elements of {expected.dtype}, got {got.dtype}")
    if got.shape != expected.shape:
        raise AssertionError(f"{what}: expected shape {expected.shape}, got {got.shape}")
    if got.dtype == np.object_:
        if got.tolist() != expected.tolist():
            raise AssertionError(f"{what}: expected {expected.tolist()!r}, got {got.tolist()!r}"[:400])
    elif to_raw(got) != to_raw(expected) and not (got == expected).all():
        raise AssertionError(f"{what}: expected {expected.tolist()!r}, got {got.tolist()!r}"[:400])
