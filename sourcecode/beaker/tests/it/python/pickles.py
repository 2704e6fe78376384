"""Pickles of Python's types, and a comparison of what came back.

`pickles.py make` prints one line for each: its name, its protocol, and its bytes, as hexadecimal digits or,
where there are many, as `z` and base64 of zlib. `tests/it/pickles/made.txt` is its output without the largest.

`pickles.py compare` reads lines of JSON: a name, a pickle and another one that must load as the same objects, as
shared as they were. With `new`, the other one is a dict that has them under `old`, and this under `new`.
"""

import base64
import collections
import copyreg
import datetime
import decimal
import enum
import functools
import fractions
import json
import pickle
import sys
import uuid
import zlib


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slots:
    __slots__ = ("a", "b")


class Keywords:
    def __new__(cls, *, number):
        made = super().__new__(cls)
        made.number = number
        return made

    def __getnewargs_ex__(self):
        return (), {"number": self.number}


class State:
    def __getstate__(self):
        return ("state", self.items)

    def __setstate__(self, state):
        self.items = state[1]


class Called:
    """Made by a call that has a list, which has it."""

    def __init__(self, items):
        self.items = items

    def __reduce__(self):
        return Called, (self.items,)


class Numbers(list):
    pass


class Names(dict):
    pass


class Tags(set):
    pass


class Registered:
    pass


class Outer:
    class Inner:
        pass


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


Point = collections.namedtuple("Point", "x y")
copyreg.add_extension("__main__", "Registered", 240)


def cases():
    yield "none", None
    yield "truths", [True, False]
    edges = [7, 8, 15, 16, 31, 32, 63, 64, 2000, 2039, 2040]
    yield "integers", [sign * 2**edge + near for edge in edges for sign in (1, -1) for near in (-1, 0, 1)]
    yield "small integers", [0, 1, -1, 9, -10]
    yield "floats", [0.0, -0.0, 0.1, 1e16, 1.5e-7, 1.7976931348623157e308, 5e-324]
    yield "floats that are no numbers", [float("nan"), float("inf"), float("-inf")]
    yield "text", ["", "a", "R\u00e4ikk\u00f6nen", "\U0001f3c1", "a\\u0041\n\r\0\x1a\x7f\x80'\"", "b" * 300]
    yield "surrogates", ["\ud800", "a\udfffb", "\ud83c\udfc1"]
    yield "bytes", [b"", b"\0\xff", b"'\"\\\n", bytes(range(256)) * 2]
    yield "bytearray", [bytearray(), bytearray(b"\0\xffab")]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((1, "a"),))]
    yield "lists", [[], [1], [[], [None]]]
    yield "dicts", [{}, {"a": 1}, {"a": 1, "b": {}}, {1: 2, None: 3, (1, 2): 4, b"k": 5, 1.5: 6}]
    yield "session", {"_path": "/", "_accessed_time": 1700000000.25, "user": "ada", "basket": [{"id": 7, "n": 2}] * 2}
    yield "set", [set(), {1, 2, 300}, frozenset(), frozenset([1, 2])]
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    yield "datetime", datetime.datetime(2024, 2, 29, 12, 30, 59, 999999)
    yield "datetime in a zone", datetime.datetime(2024, 2, 29, tzinfo=east)
    yield "date", [datetime.date(2024, 2, 29), datetime.time(1, 2, 3)]
    yield "timedelta", datetime.timedelta(days=-1, seconds=5, microseconds=7)
    yield "decimal", [decimal.Decimal("12.340"), decimal.Decimal("NaN"), fractions.Fraction(1, 3)]
    yield "uuid", uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    yield "ordered dict", collections.OrderedDict([("b", 1), ("a", [2])])
    yield "default dict", collections.defaultdict(list, {"a": [1]})
    yield "counter and deque", [collections.Counter("aab"), collections.deque([1, 2], 5)]
    yield "complex", complex(1, -2.5)
    yield "range", [range(1, 9, 2), slice(1, None)]
    yield "named tuple", Point(1, [2])
    yield "object", Plain(a=1, b=[Plain()])
    slots = Slots()
    slots.a = 1
    yield "slots", slots
    yield "keywords", Keywords(number=7)
    state = State()
    state.items = [1]
    yield "state", state
    numbers = Numbers([1, 2, 3])
    numbers.name = "n"
    yield "list of a class", [numbers, Numbers([1]), Numbers()]
    yield "dict of a class", [Names(a=1), Names(a=1, b=2)]
    yield "set of a class", Tags([1, 2])
    yield "exception", ValueError("no", 1)
    yield "enum", [Color.RED, Color.BLUE, Color.RED]
    yield "classes and functions", [Plain, Outer.Inner, len, collections.OrderedDict, functools.partial(int, base=2)]
    yield "inner class", Outer.Inner()
    yield "extension", [Registered, Registered()]
    shared, text = [1], "a text that is shared"
    yield "shared", [shared, shared, (shared, text), {"k": shared, text: text}, text]
    pair = (shared, text)
    yield "shared tuple", [pair, pair, [pair]]
    items = [1]
    items.append(items)
    yield "recursive list", items
    entries = {"a": 1}
    entries["self"] = entries
    yield "recursive dict", entries
    items = []
    items.append((items, 1))
    yield "tuple through a list", items[0]
    items = []
    items.append((items, 1, 2, 3, (items,)))
    yield "long tuple through a list", items[0]
    node = Plain()
    node.self, node.children = node, [Plain(parent=node), Plain(parent=node)]
    yield "recursive object", node
    node = Plain()
    node.friends, node.frozen, node.numbers = {node}, frozenset([node]), Numbers()
    node.numbers.append(node)
    yield "recursive sets", node
    yield "frozen set in a cycle", node.frozen
    yield "list of a class in a cycle", node.numbers
    called = Called([1])
    called.items.append(called)
    yield "call in a cycle", called.items
    yield "call that begins a cycle", called
    yield "by hand", None
    yield "large: text", ["a" * 65535, "b" * 65536, "\u00e4" * 40000, 1, "c"]
    yield "large: bytes", [b"a" * 65536, b"b" * 100, b"c" * 300000]
    yield "large: frames", [str(number) * 20 for number in range(3000)]
    yield "large: list", [list(range(2500)), list(range(1000)), list(range(1001))]
    yield "large: dict", {str(number): number for number in range(2500)}
    yield "large: objects", [numbers.__class__(range(2500)), set(range(2500)), Names.fromkeys(range(2500))]
    yield "large: memo", [[number] for number in range(70000)] + [text, text]


BY_HAND = [
    b"(i__main__\nPlain\np0\n(dp1\nS'a'\nI1\nsb.",
    b"(c__main__\nPlain\no}U\x01aK\x01sb.",
    b"(c__main__\nPoint\nI1\nL2L\no.",
    b"(lp0\nI01\naI00\naS'\\x41\\n\\'\\101'\naV\\u0041\\U0001f3c1\\\\u\na(I1\nI2\ntag0\na.",
    b"(F1.5\nFnan\nL123456789012345678901234567890L\nL-9223372036854775809\nd.",
    b"\x80\x02]q\x05(h\x05j\x05\0\0\0r\x07\0\0\0e.",
    b"(1]0N(0(NNN1(NNt.",
    b"\x80\x04]\x942\x85a.",
    b"\x80\x03c__main__\nPlain\n)\x81}X\x01\0\0\0aB\x01\0\0\0bsb.",
    b"\x80\x02\x82\xf0\x83\xf0\0\x84\xf0\0\0\0\x87.",
    b"\x80\x02c__builtin__\nset\n]K\x01a\x85R.",
]


def made():
    for name, value in cases():
        if name == "by hand":
            for number, one in enumerate(BY_HAND):
                pickle.loads(one)
                yield f"{name} {number}", 0, one
            continue
        for protocol in range(6):
            if name == "large: memo" and protocol not in (2, 4):
                continue
            try:
                yield name, protocol, pickle.dumps(value, protocol)
            except (RecursionError, TypeError):
                # Python cannot write these itself.
                assert "cycle" in name or name == "slots" and protocol < 2, name


def printed(content):
    return content.hex() if len(content) < 1500 else "z" + base64.b64encode(zlib.compress(content)).decode()


class Comparison:
    def __init__(self):
        self.other_of, self.one_of, self.kept = {}, {}, []

    def check(self, one, other, where):
        """Raises `AssertionError` where two graphs of objects differ."""
        pending = [(one, other, where)]
        while pending:
            one, other, where = pending.pop()
            assert type(one) is type(other), f"{where}: {type(one)}, {type(other)}"
            if isinstance(one, float):
                assert one.hex() == other.hex(), f"{where}: {one!r}, {other!r}"
                continue
            if one is None or isinstance(one, (bool, int, complex, enum.Enum, type)) or one == ():
                assert one == other, f"{where}: {one!r}, {other!r}"
                continue
            # Those of one letter are shared by Python itself.
            if not isinstance(one, (str, bytes)) or len(one) > 20:
                is_known = id(one) in self.other_of or id(other) in self.one_of
                if is_known:
                    is_same = self.other_of.get(id(one)) == id(other) and self.one_of.get(id(other)) == id(one)
                    assert is_same, f"{where}: shared in another way"
                    continue
                self.other_of[id(one)], self.one_of[id(other)] = id(other), id(one)
                self.kept.append((one, other))
            pending.extend(self.parts(one, other, where))

    def parts(self, one, other, where):
        if isinstance(one, (str, bytes, bytearray)):
            assert one == other, f"{where}: {one[:50]!r}, {other[:50]!r}"
            return
        if type(one) in (list, tuple):
            assert len(one) == len(other), where
            yield from ((a, b, f"{where}[{n}]") for n, (a, b) in enumerate(zip(one, other)))
            return
        if type(one) is dict:
            assert len(one) == len(other), where
            for number, (a, b) in enumerate(zip(one.items(), other.items())):
                yield a[0], b[0], f"{where} key {number}"
                yield a[1], b[1], f"{where}[{a[0]!r}]"
            return
        if type(one) in (set, frozenset):
            assert len(one) == len(other), where
            ordered = (lambda items: sorted(items)) if len(one) > 1 else list
            yield from ((a, b, f"{where} member") for a, b in zip(ordered(one), ordered(other)))
            return
        if isinstance(one, Called):
            yield one.items, other.items, f"{where}.items"
            return
        for a, b in zip(reduced(one), reduced(other), strict=True):
            self.kept.append((a, b))
            if isinstance(a, tuple) and isinstance(b, tuple):
                # Python makes such tuples anew each time.
                assert len(a) == len(b), where
                yield from ((x, y, f"{where} part") for x, y in zip(a, b))
            else:
                yield a, b, f"{where} part"


def reduced(value):
    parts = value.__reduce_ex__(4)
    if isinstance(parts, str):
        return [parts]
    function, arguments, *rest = parts
    names = [f"{function.__module__}.{function.__qualname__}", tuple(arguments)]
    for part in rest:
        # The items of what is like a list or a dict.
        names.append(tuple(x for item in part for x in (item if isinstance(item, tuple) else (item,)))
                     if hasattr(part, "__next__") else part)
    return names


def compare():
    count = 0
    for line in sys.stdin:
        case = json.loads(line)
        where = f"{case['name']}, protocol {case['protocol']}"
        try:
            one = pickle.loads(bytes.fromhex(case["one"]))
            other = pickle.loads(bytes.fromhex(case["other"]))
            if "new" in case:
                assert set(other) == {"old", "new"}, f"{where}: {other}"
                new = json.dumps(other["new"], default=lambda value: list(value), sort_keys=True)
                assert new == json.dumps(case["new"], sort_keys=True), f"{where}: {new}"
                other = other["old"]
            Comparison().check(one, other, where)
        except Exception as error:
            print(f"{where}: {error!r}")
        count += 1
    print(count)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        for name, protocol, content in made():
            print(f"{name}\t{protocol}\t{printed(content)}")
    else:
        compare()
