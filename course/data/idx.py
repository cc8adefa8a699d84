"""The IDX format of the MNIST files: a big-endian header that gives the shape, then the raw bytes.

Header: two zero bytes, one byte for the type (8 = unsigned byte), one byte for the number of dimensions, then
each dimension as a big-endian 32-bit integer. Images therefore begin 00 00 08 03, labels 00 00 08 01.
"""

import math
import struct

import numpy as np

UNSIGNED_BYTE = 8


def array_from_idx(content: bytes) -> np.ndarray:
    """Return the array that an IDX file holds, as a read-only uint8 view of `content`.

    Raises:
        ValueError: if the header is not that of unsigned bytes, or the length does not fit the shape.

    Source: the file format section of the MNIST page, LeCun, Cortes and Burges.
    """
    if len(content) < 4 or content[:2] != b"\x00\x00" or content[2] != UNSIGNED_BYTE:
        raise ValueError(f"an IDX file of bytes begins 00 00 08, this one begins {content[:3].hex(' ')!r}")
    num_dimensions = content[3]
    header_length = 4 + 4 * num_dimensions
    if len(content) < header_length:
        raise ValueError(f"the IDX header needs {header_length} bytes, the file has {len(content)}")
    shape = struct.unpack(f">{num_dimensions}I", content[4:header_length])
    num_values = len(content) - header_length
    if num_values != math.prod(shape):
        raise ValueError(f"the IDX header promises {math.prod(shape):,} values, the file has {num_values:,}")
    # frombuffer shares memory with `content`, and bytes cannot change: the array is read-only for free.
    return np.frombuffer(content, dtype=np.uint8, offset=header_length).reshape(shape)


def idx_from_array(array: np.ndarray) -> bytes:
    """Return the IDX file of a uint8 array: the inverse of `array_from_idx`.

    Raises:
        ValueError: if the array is not uint8 (another type would be cut to bytes silently).
    """
    if array.dtype != np.uint8:
        raise ValueError(f"only uint8 arrays are written as IDX here, this one is {array.dtype}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()
