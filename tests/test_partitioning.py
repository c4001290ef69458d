"""
The hasher against the vectors of KIN 2.1 and 2.2, and against a scan that any reader can check.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroom import partitioning
from postroom.errors import InvalidInput
from postroom.limits import HASH_KEY_MAX
from postroom.partitioning import HashRange, ShardMap, even_ranges, hash_key, merge, parse_hash_key, split

if TYPE_CHECKING:
    from types import ModuleType

SPACE = 2**128
THIRD = SPACE // 3

COUNTS = (2, 3, 4, 5, 7, 10, 16, 100, 1000)

# KIN 2.1: partition key, its hash key, and the index of its shard in a new stream of each of COUNTS shards.
HASHED = [
    ("a", 16955237001963240173058271559858726497, (0, 0, 0, 0, 0, 0, 0, 4, 49)),
    ("b", 195289424170611159128911017612795795343, (1, 1, 2, 2, 4, 5, 9, 57, 573)),
    ("e", 299611584147932843547128611849858313266, (1, 2, 3, 4, 6, 8, 14, 88, 880)),
    ("f", 190917122200326810055233066464581373159, (1, 1, 2, 2, 3, 5, 8, 56, 561)),
    ("1", 261578874264819908609102035485573088411, (1, 2, 3, 3, 5, 7, 12, 76, 768)),
    ("test", 12707736894140473154801792860916528374, (0, 0, 0, 0, 0, 0, 0, 3, 37)),
    ("partitionKey-0", 283893945402358862714065952676399797471, (1, 2, 3, 4, 5, 8, 13, 83, 834)),
    ("user-42", 157107139746365290205026809710278036035, (0, 1, 1, 2, 3, 4, 7, 46, 461)),
    ("\u00e9", 136732923097551493579404309126273812335, (0, 1, 1, 2, 2, 4, 6, 40, 401)),
    ("\u65e5\u672c", 103341369634063465466164320543046703539, (0, 0, 1, 1, 2, 3, 4, 30, 303)),
    ("\U0001f4a3", 8794644914522241879545734344506338268, (0, 0, 0, 0, 0, 0, 0, 2, 25)),
    ("x" * 256, 265353499944959180620795534685136097465, (1, 2, 3, 3, 5, 7, 12, 77, 779)),
]

# KIN 2.2: number of shards, the width of all but the last, where the last starts, and how much wider it is.
EVEN = [
    (2, 170141183460469231731687303715884105728, 170141183460469231731687303715884105728, 0),
    (3, 113427455640312821154458202477256070485, 226854911280625642308916404954512140970, 1),
    (4, 85070591730234615865843651857942052864, 255211775190703847597530955573826158592, 0),
    (5, 68056473384187692692674921486353642291, 272225893536750770770699685945414569164, 1),
    (6, 56713727820156410577229101238628035242, 283568639100782052886145506193140176210, 4),
    (7, 48611766702991209066196372490252601636, 291670600217947254397178234941515609816, 4),
    (10, 34028236692093846346337460743176821145, 306254130228844617117037146688591390305, 6),
]

WHOLE = HashRange(0, HASH_KEY_MAX)

# KIN 3: a range, where it is split, and whether that is legal.
SPLITS = [
    (WHOLE, 1, False),
    (WHOLE, 2, True),
    (WHOLE, HASH_KEY_MAX - 1, True),
    (WHOLE, HASH_KEY_MAX, False),
    (WHOLE, 0, False),
    (HashRange(0, THIRD - 1), 113427455640312821154458202477256070484, False),
    (HashRange(0, THIRD - 1), 113427455640312821154458202477256070483, True),
    (HashRange(100, 199), 101, False),
    (HashRange(100, 199), 102, True),
    (HashRange(100, 199), 198, True),
    (HashRange(100, 199), 199, False),
    (HashRange(100, 199), 99, False),
    (HashRange(100, 199), 500, False),
]

hash_keys = st.integers(0, HASH_KEY_MAX)

# Where two bytes of a digest end and the next two begin: the edges of the cells of the map's table.
edges = st.builds(
    lambda prefix, offset: min(max((prefix << 112) + offset, 1), HASH_KEY_MAX),
    st.sampled_from([0, 1, 2, 3, 255, 256, 257, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF]),
    st.sampled_from([-2, -1, 0, 1, 2, 1 << 111]),
)
tilings = st.sets(edges | st.integers(1, HASH_KEY_MAX), max_size=24).map(
    lambda cuts: [
        HashRange(start, after - 1) for start, after in zip([0, *sorted(cuts)], [*sorted(cuts), SPACE], strict=True)
    ]
)


def scan(ranges: list[HashRange], wanted: int) -> int:
    """The obviously right way to find a hash key: look at every range."""
    [index] = [index for index, one in enumerate(ranges) if one.start <= wanted <= one.end]
    return index


@pytest.fixture(params=[0, 10**9], ids=["table", "bisect"])
def shard_map(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[ShardMap]:
    """The class, made to use the table always or never."""
    monkeypatch.setattr(partitioning, "TABLE_FROM_RANGES", request.param)
    return ShardMap


@pytest.fixture
def portable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the interpreter had no MD5 of its own."""
    monkeypatch.setattr(partitioning, "_md5", partitioning._portable_md5)


# Hash keys.


@pytest.mark.parametrize(("key", "expected", "_indexes"), HASHED)
def test_hash_key_is_the_md5_of_the_utf8_bytes_as_a_big_endian_number(
    key: str, expected: Any, _indexes: object
) -> None:
    assert expected == hash_key(key)
    assert expected == int(hashlib.md5(key.encode("utf-8")).hexdigest(), 16)


@pytest.mark.parametrize(("key", "expected", "indexes"), HASHED)
def test_without_the_interpreters_md5_all_is_the_same(
    portable: None, key: str, expected: Any, indexes: tuple[int, ...]
) -> None:
    assert expected == hash_key(key)
    assert list(indexes) == [ShardMap(even_ranges(count)).index_of(key) for count in COUNTS]


def test_the_module_loads_without_the_interpreters_md5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_md5", None)
    spec = importlib.util.spec_from_file_location("partitioning_without_md5", partitioning.__file__)
    assert spec is not None
    assert spec.loader is not None
    bare: ModuleType = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, bare)
    spec.loader.exec_module(bare)

    assert bare._md5 is bare._portable_md5
    assert hash_key("a") == bare.hash_key("a")


@given(st.binary(max_size=200))
def test_both_md5s_agree(data: bytes) -> None:
    assert partitioning._md5(data).digest() == partitioning._portable_md5(data).digest()


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("1", 1), ("10", 10), (str(2**127), 2**127), (str(HASH_KEY_MAX), HASH_KEY_MAX)]
)
def test_explicit_hash_keys_are_read_as_decimal_numbers(text: Any, number: int) -> None:
    assert number == parse_hash_key(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "00", "007", "-1", "+1", " 1", "1 ", "1\n", "1_000", "1e3", "1.0", "0x10", "a", "9" * 40),
        *("\u0661", "\u00b2", None, 5, b"5"),
    ],
)
def test_explicit_hash_keys_in_any_other_form_are_refused(text: Any) -> None:
    with pytest.raises(InvalidInput, match="not in decimal form"):
        parse_hash_key(text)


@pytest.mark.parametrize("number", [SPACE, SPACE + 1, 10**39 - 1])
def test_explicit_hash_keys_beyond_128_bits_are_refused(number: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_hash_key(str(number))

    assert caught.value.aws_message == "No such hash key."
    assert caught.value.help == f"hash key={number}: expected 0 to {HASH_KEY_MAX} (2**128 - 1)"


@given(hash_keys)
def test_every_hash_key_survives_its_decimal_form(number: int) -> None:
    assert number == parse_hash_key(str(number))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"a", "partition_key=b'a': expected a str"),
        (None, "partition_key=None: expected a str"),
        ("\ud800", "partition_key='\\ud800': expected text without lone surrogates, which UTF-8 cannot express"),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_what_cannot_be_hashed_is_refused_however_many_ranges_there_are(key: str, expected: Any, count: Any) -> None:
    shards = ShardMap(even_ranges(count))

    for refuse in (hash_key, shards.index_of, lambda key: shards.indexes_of(["fine", key])):
        with pytest.raises(InvalidInput) as caught:
            refuse(key)
        assert expected == caught.value.help


# Ranges.


@pytest.mark.parametrize(("count", "step", "last_start", "wider"), EVEN)
def test_even_ranges(count: Any, step: int, last_start: int, wider: int) -> None:
    ranges = even_ranges(count)

    assert count == len(ranges)
    assert {step} == {one.width for one in ranges[:-1]}
    assert [index * step for index in range(count)] == [one.start for one in ranges]
    assert last_start == ranges[-1].start
    assert step + wider == ranges[-1].width
    assert ranges[-1].end == HASH_KEY_MAX


def test_even_ranges_of_three_shards() -> None:
    assert even_ranges(3) == [
        HashRange(0, 113427455640312821154458202477256070484),
        HashRange(113427455640312821154458202477256070485, 226854911280625642308916404954512140969),
        HashRange(226854911280625642308916404954512140970, HASH_KEY_MAX),
    ]


def test_one_even_range_is_the_whole_space() -> None:
    assert even_ranges(1) == [WHOLE]


@pytest.mark.parametrize("count", [0, -1, True, 2.0, "3", None, SPACE + 1])
def test_even_ranges_need_a_number_of_shards(count: Any) -> None:
    with pytest.raises(InvalidInput):
        even_ranges(count)


@pytest.mark.parametrize(("start", "end"), [(1, 0), (-1, 5), (0, SPACE), (True, 5), (0, 5.0), ("0", "5"), (None, None)])
def test_a_range_is_two_hash_keys_in_order(start: Any, end: Any) -> None:
    with pytest.raises(InvalidInput):
        HashRange(start, end)


def test_a_range_is_a_value() -> None:
    one = HashRange(0, 9)

    assert one == HashRange(0, 9)
    assert len({one, HashRange(0, 9)}) == 1
    assert one < HashRange(10, 11)
    assert one == pickle.loads(pickle.dumps(one))
    assert one.to_dict() == {"start": 0, "end": 9}
    with pytest.raises(AttributeError):
        one.start = 1  # type: ignore[misc]


@pytest.mark.parametrize(("wanted", "inside"), [(9, False), (10, True), (19, True), (20, False)])
def test_both_ends_belong_to_a_range(wanted: Any, inside: bool) -> None:
    assert inside is HashRange(10, 19).contains(wanted)


# Splits and merges.


@pytest.mark.parametrize(("parent", "at", "legal"), SPLITS)
def test_split_points(parent: HashRange, at: Any, legal: bool) -> None:
    if not legal:
        with pytest.raises(InvalidInput, match="cannot be split there"):
            split(parent, at)
        return

    assert split(parent, at) == (HashRange(parent.start, at - 1), HashRange(at, parent.end))


@pytest.mark.parametrize("at", [-1, SPACE, 2.5, "2", True])
def test_a_split_point_is_a_hash_key(at: Any) -> None:
    with pytest.raises(InvalidInput):
        split(WHOLE, at)


@pytest.mark.parametrize(
    ("parent", "at"),
    [
        (WHOLE, 170141183460469231731687303715884105728),
        (even_ranges(2)[0], 85070591730234615865843651857942052864),
        (even_ranges(2)[1], 255211775190703847597530955573826158592),
    ],
)
def test_even_split_points(parent: HashRange, at: Any) -> None:
    assert at == split(parent)[1].start


@pytest.mark.parametrize("count", [1, 2, 4, 8, 64])
def test_even_splits_of_a_power_of_two_are_the_ranges_of_a_new_stream_twice_as_large(count: Any) -> None:
    assert even_ranges(2 * count) == [child for parent in even_ranges(count) for child in split(parent)]


@pytest.mark.parametrize(("width", "legal"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
@pytest.mark.parametrize("start", [0, 7])
def test_a_range_can_be_split_evenly_from_a_width_of_four(start: Any, width: int, legal: bool) -> None:
    parent = HashRange(start, start + width - 1)

    if legal:
        assert [2, width - 2] == [child.width for child in split(parent)]
    else:
        with pytest.raises(InvalidInput):
            split(parent)


@given(st.tuples(hash_keys, hash_keys).map(sorted), st.none() | hash_keys)
def test_a_merge_undoes_a_split(ends: list[int], at: Any) -> None:
    parent = HashRange(*ends)

    try:
        lower, upper = split(parent, at)
    except InvalidInput:
        assert parent.width < 4 if at is None else at - parent.start < 2 or parent.end - at < 1
    else:
        assert parent == merge(lower, upper)
        assert lower.width >= 2
        assert upper.width >= 2
        assert at is not None or 0 <= upper.width - lower.width <= 1


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (HashRange(50, 99), HashRange(0, 49)),
        (HashRange(0, 49), HashRange(51, 99)),
        (HashRange(0, 50), HashRange(50, 99)),
        (HashRange(0, 49), HashRange(0, 49)),
    ],
    ids=["inverted", "gap", "overlap", "twice the same"],
)
def test_only_adjacent_ranges_merge_and_the_lower_one_comes_first(lower: HashRange, upper: HashRange) -> None:
    with pytest.raises(InvalidInput) as caught:
        merge(lower, upper)

    assert caught.value.help == (f"lower ends at {lower.end}, upper starts at {upper.start}: expected {lower.end} + 1")


# Maps.


@pytest.mark.parametrize(("key", "_number", "indexes"), HASHED)
@pytest.mark.parametrize("position", range(len(COUNTS)), ids=lambda position: f"N={COUNTS[position]}")
def test_index_of_a_key(
    shard_map: type[ShardMap], key: str, _number: object, indexes: tuple[int, ...], position: int
) -> None:
    assert indexes[position] == shard_map(even_ranges(COUNTS[position])).index_of(key)


def test_four_keys_on_three_shards() -> None:
    assert ShardMap(even_ranges(3)).indexes_of(iter("abef")) == [0, 1, 2, 1]


def test_the_last_shard_takes_the_remainder() -> None:
    """
    The quotient alone would be 7 for the last keys.
    """
    assert ShardMap(even_ranges(7)).index_of_hash(HASH_KEY_MAX) == 6


@pytest.mark.parametrize("wanted", [-1, SPACE, 1.0, "1", False, None])
def test_only_hash_keys_are_looked_up(wanted: Any) -> None:
    with pytest.raises(InvalidInput):
        ShardMap(even_ranges(2)).index_of_hash(wanted)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], "there is no range: expected at least one"),
        ([HashRange(1, HASH_KEY_MAX)], "the first range starts at 1: expected 0"),
        ([HashRange(0, 5)], f"the last range ends at 5: expected {HASH_KEY_MAX} (2**128 - 1)"),
        ([HashRange(0, 5), HashRange(7, HASH_KEY_MAX)], "ranges[1] starts at 7: expected 6"),
        ([HashRange(0, 5), HashRange(5, HASH_KEY_MAX)], "ranges[1] starts at 5: expected 6"),
        ([*even_ranges(2), even_ranges(2)[1]], f"ranges[2] starts at {2**127}: expected {SPACE}"),
        (even_ranges(2)[::-1], f"the first range starts at {2**127}: expected 0"),
    ],
    ids=["none", "late", "short", "gap", "overlap", "twice", "descending"],
)
def test_a_map_must_tile_the_hash_space(ranges: list[HashRange], expected: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        ShardMap(ranges)

    assert caught.value.aws_message == "The ranges do not tile the hash space."
    assert expected == caught.value.help


def test_a_map_shows_what_it_holds() -> None:
    shards = ShardMap(iter(even_ranges(3)))

    assert shards.ranges == tuple(even_ranges(3))
    assert len(shards) == 3
    assert repr(shards) == "<ShardMap of 3 ranges>"
    assert repr(ShardMap([WHOLE])) == "<ShardMap of 1 range>"


@pytest.mark.parametrize("count", [1, 3, 200])
def test_a_map_survives_pickling(count: Any) -> None:
    shards = pickle.loads(pickle.dumps(ShardMap(even_ranges(count))))

    assert shards.ranges == tuple(even_ranges(count))
    assert shards.index_of("b") == ShardMap(even_ranges(count)).index_of("b")


@pytest.mark.parametrize("use_table", [True, False], ids=["table", "bisect"])
@settings(max_examples=60, deadline=None)
@given(ranges=tilings, keys=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5), others=st.data())
@example(ranges=[HashRange(0, HASH_KEY_MAX)], keys=["a"], others=None)
@example(ranges=[HashRange(0, (1 << 112) - 1), HashRange(1 << 112, HASH_KEY_MAX)], keys=["a"], others=None)
def test_any_map_agrees_with_a_scan(
    use_table: bool, ranges: list[HashRange], keys: list[str], others: st.DataObject | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitioning, "TABLE_FROM_RANGES", 0 if use_table else 10**9)
        shards = ShardMap(ranges)
    ends = [end for one in ranges for end in (one.start, one.end)]
    digests = ends if others is None else [*ends, *others.draw(st.lists(hash_keys | edges, max_size=10))]

    assert [scan(ranges, hash_key(key)) for key in keys] == shards.indexes_of(keys)
    assert [scan(ranges, wanted) for wanted in digests] == [shards.index_of_hash(wanted) for wanted in digests]
    assert [scan(ranges, wanted) for wanted in digests] == [_index_of_digest(shards, wanted) for wanted in digests]


def _index_of_digest(shards: ShardMap, wanted: int) -> int:
    """What a map answers for a key with this digest, though nobody knows such a key."""

    class Digest:
        def digest(self) -> bytes:
            return wanted.to_bytes(16, "big")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitioning, "_md5", lambda _data: Digest())
        index = shards.index_of("any")
        assert [index, index] == shards.indexes_of(["any", "other"])
        return index
