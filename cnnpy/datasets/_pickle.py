"""Reads a pickle as data: dictionaries, lists, text, bytes, whole numbers and NumPy arrays of bytes or integers.

CIFAR comes as pickles, and `pickle` would run what a file tells it to. Even with a list of allowed globals it obeys
opcodes of a few bytes that take gigabytes (a memo slot with a high number, a string with a huge stated length). So this
is a small reader of its own. It knows the opcodes that data need and no others, imports nothing, calls nothing that
the file names, and bounds the number of objects; the globals it recognises (the exact list is `GLOBALS`) are the ones
that spell a NumPy array or, in protocols 0 to 2 as Python 3 writes them, bytes, and stand for constructors of ours.

Limits: no floats, sets, or classes; big-endian arrays are refused.
"""

import struct

import numpy as np

LONG_TEXT = 1 << 16


class PickleError(ValueError):
    """The bytes are no pickle, or hold more than data."""


class _Mark:
    """Where a list or dictionary begins on the stack."""


class _Constructor:
    """One of `GLOBALS`, on the stack."""

    def __init__(self, call):
        self.call = call


class _DType:
    """A NumPy dtype in the making."""

    def __init__(self, text):
        self.text = _text(text)
        self.order = "|"

    def set_state(self, state):
        if not (isinstance(state, tuple) and len(state) >= 2 and _text(state[1]) in ("|", "<", "=")):
            raise PickleError(f"dtype {self.text!r} is neither of single bytes nor little-endian")
        self.order = "<" if _text(state[1]) != "|" else "|"

    def dtype(self):
        if self.text.lstrip("<|") not in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "b1"):
            raise PickleError(f"arrays of dtype {self.text!r} are no part of the data")
        return np.dtype(self.text.lstrip("<|"))


class _Array:
    """A NumPy array in the making."""

    def __init__(self):
        self.value = None

    def set_state(self, state):
        if not (isinstance(state, tuple) and len(state) == 5):
            raise PickleError("an array's state is malformed")
        _, shape, dtype, fortran, values = state
        self.value = _build_array(values, dtype, shape, "F" if fortran else "C")


def _build_array(values, dtype, shape, order):
    if not (isinstance(dtype, _DType) and isinstance(values, (bytes, bytearray)) and isinstance(shape, tuple)):
        raise PickleError("an array's parts are of the wrong kind")
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
        raise PickleError(f"an array has the shape {shape!r}")
    dtype = dtype.dtype()
    count = 1
    for n in shape:
        count *= n
    if count * dtype.itemsize != len(values):
        raise PickleError(f"an array of shape {shape} has {len(values):,} bytes, expected {count * dtype.itemsize:,}")
    return np.frombuffer(values, dtype).reshape(shape, order=order)


def _text(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise PickleError(f"text expected, got {type(value).__name__}")


def _reconstruct(kind, shape=None, code=None):
    return _Array()


def _dtype(text, *flags):
    return _DType(text)


def _from_buffer(values, dtype, shape, order):
    return _build_array(values, dtype, shape, _text(order))


def _encode(text, encoding):
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise PickleError("_codecs.encode of something else than bytes")
    return text.encode("latin-1")  # the caller has counted these bytes


def _bytes():
    return b""


GLOBALS = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _bytes,
}


class Reader:
    """Reads one pickle from `data`; `max_objects` bounds the number of opcodes, and with it of objects."""

    def __init__(self, data, max_objects):
        self.data = memoryview(data)
        self.position = 0
        self.budget = max_objects
        self.encodable = len(data)  # bytes that _codecs.encode may make, lest one text be encoded again and again
        self.stack = []
        self.memo = {}

    def load(self):
        """The object in the pickle, with byte strings of Python 2 as bytes. Raises PickleError."""
        try:
            return self._run()
        except (IndexError, struct.error, TypeError, UnicodeError, RecursionError) as error:
            raise PickleError(f"malformed near byte {self.position:,} ({error})") from error

    def _run(self):
        for _ in range(self.budget):
            code = self.data[self.position]
            self.position += 1
            if code == STOP:
                return _finished(self.stack.pop())
            operation = OPERATIONS.get(code)
            if operation is None:
                raise PickleError(f"opcode {chr(code)!r} at byte {self.position - 1:,} is no part of the data")
            operation(self)
        raise PickleError(f"more than {self.budget:,} objects")

    def take(self, count):
        """The next COUNT bytes, without a copy."""
        piece = self.data[self.position : self.position + count]
        if len(piece) != count:
            raise PickleError(
                f"cut short: {count:,} bytes expected at byte {self.position:,}, {len(piece):,} are there"
            )
        self.position += count
        return piece

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self):
        """The text to the next line end, of at most 64 characters."""
        piece = bytes(self.data[self.position : self.position + 65])
        end = piece.find(b"\n")
        if end < 0:
            raise PickleError(f"a name at byte {self.position:,} is too long")
        self.position += end + 1
        return piece[:end].decode("ascii")

    def push(self, value):
        self.stack.append(value)

    def since_mark(self):
        """Takes what lies above the topmost mark, and the mark."""
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is _Mark:
                items = [_finished(item) for item in self.stack[start + 1 :]]
                del self.stack[start:]
                return items
        raise PickleError(f"no mark before byte {self.position:,}")

    def pop_tuple(self, count):
        if len(self.stack) < count:
            raise PickleError("a tuple lacks items")
        items = tuple(_finished(item) for item in self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.push(items)

    def append(self, items):
        target = self.stack[-1]
        if type(target) is not list:
            raise PickleError("items for something that is no list")
        target.extend(items)

    def set_items(self, items):
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise PickleError("items for something that is no dictionary")
        target.update(zip(items[::2], items[1::2]))

    def push_global(self, module, name):
        if (module, name) not in GLOBALS:
            raise PickleError(f"it names {module}.{name}, which is no part of the data and may do harm")
        self.push(_Constructor(GLOBALS[module, name]))

    def stack_global(self):
        name, module = self.stack.pop(), self.stack.pop()
        self.push_global(_text(module), _text(name))

    def reduce(self):
        arguments, constructor = self.stack.pop(), self.stack.pop()
        if not isinstance(constructor, _Constructor) or constructor.call is None or type(arguments) is not tuple:
            raise PickleError("it calls something that is no constructor of data")
        if constructor.call is _encode and arguments and isinstance(arguments[0], str):
            self.encodable -= len(arguments[0])
            if self.encodable < 0:
                raise PickleError("it encodes more bytes than it has")
        self.push(constructor.call(*arguments))

    def build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, (_Array, _DType)):
            raise PickleError("it sets the state of something that has none")
        target.set_state(state)

    def put(self, index):
        self.memo[index] = self.stack[-1]

    def get(self, index):
        if index not in self.memo:
            raise PickleError(f"memo {index} is used before it is set")
        self.push(self.memo[index])

    def discard_frame(self):
        self.take(8)

    def protocol(self):
        if self.take(1)[0] > 5:
            raise PickleError("a pickle protocol newer than 5")


def _finished(value):
    """VALUE, with an array in the making replaced by the array."""
    if isinstance(value, _Array):
        if value.value is None:
            raise PickleError("an array without values")
        return value.value
    return value


def _bytes_of(layout):
    return lambda r: r.push(bytes(r.take(r.number(layout))))


def _text_of(layout):
    def push_text(r):
        piece = r.take(r.number(layout))
        if len(piece) > LONG_TEXT and np.frombuffer(piece, np.uint8).max() > 0xC3:  # four bytes a character in memory
            raise PickleError("a long text that is no bytes in disguise")
        r.push(str(piece, "utf-8"))

    return push_text


def _push(value):
    return lambda r: r.push(value)


def _long(r):
    count = r.take(1)[0]
    if count > 8:
        raise PickleError("a number of more than 64 bits")
    r.push(int.from_bytes(r.take(count), "little", signed=True))


def _key_value(r):
    value = _finished(r.stack.pop())
    key = _finished(r.stack.pop())
    r.set_items([key, value])


STOP = ord(".")
OPERATIONS = {
    0x80: Reader.protocol,
    0x95: Reader.discard_frame,
    ord("("): _push(_Mark),
    ord("}"): lambda r: r.push({}),
    ord("]"): lambda r: r.push([]),
    ord(")"): _push(()),
    ord("d"): lambda r: r.push(dict(zip(*[iter(r.since_mark())] * 2))),
    ord("l"): lambda r: r.push(r.since_mark()),
    ord("t"): lambda r: r.push(tuple(r.since_mark())),
    0x85: lambda r: r.pop_tuple(1),
    0x86: lambda r: r.pop_tuple(2),
    0x87: lambda r: r.pop_tuple(3),
    ord("a"): lambda r: r.append([_finished(r.stack.pop())]),
    ord("e"): lambda r: r.append(r.since_mark()),
    ord("s"): _key_value,
    ord("u"): lambda r: r.set_items(r.since_mark()),
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("J"): lambda r: r.push(r.number("<i")),
    ord("K"): lambda r: r.push(r.take(1)[0]),
    ord("M"): lambda r: r.push(r.number("<H")),
    0x8A: _long,
    ord("U"): _bytes_of("<B"),
    ord("C"): _bytes_of("<B"),
    ord("T"): _bytes_of("<I"),
    ord("B"): _bytes_of("<I"),
    0x8E: _bytes_of("<Q"),
    0x96: _bytes_of("<Q"),
    ord("X"): _text_of("<I"),
    0x8C: _text_of("<B"),
    0x8D: _text_of("<Q"),
    ord("q"): lambda r: r.put(r.take(1)[0]),
    ord("r"): lambda r: r.put(r.number("<I")),
    0x94: lambda r: r.put(len(r.memo)),
    ord("h"): lambda r: r.get(r.take(1)[0]),
    ord("j"): lambda r: r.get(r.number("<I")),
    ord("c"): lambda r: r.push_global(r.line(), r.line()),
    0x93: Reader.stack_global,
    ord("R"): Reader.reduce,
    ord("b"): Reader.build,
}
