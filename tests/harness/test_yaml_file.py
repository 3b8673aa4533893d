"""Laws of reading YAML and JSON as plain data with places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from drydock.harness.mistakes import BadFile, Mistakes
from drydock.harness.places import Places, folder_of, key_place
from drydock.harness.yaml_file import parse_json, parse_value, parse_yaml, read_yaml

LETTERS = st.characters(codec="ascii", categories=("L", "N", "P", "Zs"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_1", max_size=5), inner, max_size=4),
    max_leaves=12,
)


def mistakes_of(text: str) -> list[str]:
    found = Mistakes()
    parse_yaml(text, "f.yaml", found)
    return [str(mistake) for mistake in found]


def data_of(text: str) -> object:
    found = Mistakes()
    data, _ = parse_yaml(text, "f.yaml", found)
    assert [] == list(found)
    return data


def test_words_that_yaml_1_1_would_bend_stay_texts() -> None:
    """``on``, ``NO``, clock times, octals and dates mean what is written."""
    text = "on: NO\nat: 12:30:00\noctal: 0o17\nday: 2026-01-19\n1: yes\nnothing: ~\ntruth: true\ncount: -5\n"
    expected = {
        "on": "NO", "at": "12:30:00", "octal": "0o17", "day": "2026-01-19", "1": "yes",
        "nothing": None, "truth": True, "count": -5,
    }  # fmt: skip
    assert expected == data_of(text)


@given(PLAIN)
def test_json_read_as_json_and_as_yaml_gives_the_same_data(data: object) -> None:
    """JSON is a part of YAML 1.2, and both are read alike."""
    text = json.dumps({"data": data})
    found = Mistakes()
    as_json, _ = parse_json(text, "f.json", found)
    as_yaml, _ = parse_yaml(text, "f.yaml", found)
    assert [] == list(found)
    assert {"data": data} == as_json == as_yaml


def test_a_duplicated_key_is_told_with_both_places_and_the_first_stands() -> None:
    """The last one never wins silently."""
    assert ["f.yaml:3:3: the key 'b' is there twice; first at line 2, column 3"] == mistakes_of("a:\n  b: 1\n  b: 2\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x\n", ["f.yaml:1:4: the anchor '&x'", "f.yaml:2:4: the alias '*x'"]),
        ("a: !!python/name:os.system x\n", ["f.yaml:1:4: the tag 'tag:yaml.org,2002:python/name:os.system'"]),
        ("a: 0.5\nb: 1e3\n", ["f.yaml:1:4: 0.5 is no whole number", "f.yaml:2:4: 1e3 is no whole number"]),
        ("a: 010\n", ["f.yaml:1:4: 010 begins with a zero; write 10"]),
        ("a:\n\tb: 1\n\tc: 2\n", ["f.yaml:2:1: a tab", "f.yaml:3:1: a tab"]),
        ("a: b: c\n", ["f.yaml:1:5: a second ': ' in one line"]),
        ("a: [1, 2\n", ["f.yaml:2:1: expected ',' or ']'"]),
        ("a: @x\n", ["f.yaml:1:4: found character '@' cannot start a value; quote the text"]),
        ("a: 1\n---\nb: 2\n", ["f.yaml:2:1: a second document begins"]),
        ("{x: $1,000}\n", ["f.yaml:1:8: '000' stands alone: a comma ends an entry; quote a number like '1,000'"]),
        ("? [1]\n: 2\n", ["f.yaml:1:3: a key is a text"]),
        ("# nothing\n", ["f.yaml: says nothing"]),
        ("a: \x01\n", ["f.yaml:1:4: the character"]),
        ("[" * 60 + "]" * 60, ["f.yaml: nested more than 50 deep"]),
    ],
)
def test_what_is_not_plain_data_is_told_with_its_place(text: str, expected: list[str]) -> None:
    """Each refusal has line and column, and where there are several all are told."""
    told = mistakes_of(text)
    assert len(expected) == len(told)
    assert [] == [line for line, start in zip(told, expected, strict=True) if not line.startswith(start)]


def test_every_value_and_key_has_its_place_and_a_missing_one_that_of_its_nearest_parent() -> None:
    """Lines and columns count from one."""
    _, places = parse_yaml("a:\n  - {b: 1, cc: two}\n", "f.yaml", Mistakes())
    assert "f.yaml:2:12" == key_place(places, ("a", 0, "cc"))
    assert "f.yaml:2:16" == places(("a", 0, "cc"))
    assert "f.yaml:2:5" == places(("a", 0, "missing", "deeper"))
    assert "f.yaml:2:16" == places.below(("a", 0))(("cc",))


def test_what_was_set_over_a_file_is_placed_at_its_setting() -> None:
    """And so is everything below it, and nothing beside it."""
    _, places = parse_yaml("a: {b: 1}\nc: 2\n", "f.yaml", Mistakes())
    overlaid = places.overlaid(("a",), "--set a")
    assert ("--set a", "f.yaml:2:4") == (overlaid(("a", "b")), overlaid(("c",)))
    assert "f.yaml:1:8" == places(("a", "b"))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"a: 1\nb: \xff\n", "byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
    ],
)
def test_a_file_that_holds_no_text_gets_one_sentence(tmp_path: Path, raw: bytes, sentence: str) -> None:
    """Without a traceback, and with the byte's place where there is one."""
    file = tmp_path / "f.yaml"
    file.write_bytes(raw)
    with pytest.raises(BadFile) as caught:
        read_yaml(file)
    assert [sentence] == [mistake.message for mistake in caught.value.mistakes]


def test_a_missing_file_and_a_folder_get_one_sentence(tmp_path: Path) -> None:
    """Both name the path."""
    for path, sentence in ((tmp_path / "no.yaml", "there is no such file"), (tmp_path, "is a folder; name a file")):
        with pytest.raises(BadFile) as caught:
            read_yaml(path)
        assert f"{path}: {sentence}" == str(caught.value)


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    """Editors write it; it shifts nothing."""
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    data, places = read_yaml(file)
    assert ({"a": 1}, f"{file}:1:4") == (data, places(("a",)))
    assert tmp_path == folder_of(places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,\n}', "f.json:"),
        ('{"a": 1,\n\t"b": 0.5}', "f.json:2:7: 0.5 is no whole number"),
        ('{"a": 1,\n "a": 2}', "f.json:2:2: the key 'a' is there twice"),
        ('{"a": NaN}', "f.json:1:7: NaN is no whole number"),
    ],
)
def test_json_is_as_strict_as_yaml(text: str, expected: str) -> None:
    """Duplicated keys and numbers with a decimal point are told with their place."""
    found = Mistakes()
    parse_json(text, "f.json", found)
    assert [True] == [str(mistake).startswith(expected) for mistake in found]


def test_a_setting_is_read_as_a_file_would_be() -> None:
    """Scalars, and lists and mappings in flow style; mistakes stand at the setting."""
    found = Mistakes()
    assert [250, "4s", {"a": True}] == [parse_value(text, "--set x", found) for text in ("250", "4s", "{a: true}")]
    assert 0 == len(found)
    assert parse_value("0.5", "--set x", found) is None
    assert [("--set x", "value '0.5': 0.5 is no whole number")] == [(m.place, m.message.split(";")[0]) for m in found]


def test_places_of_a_kit_without_a_file_are_allowed() -> None:
    """``where`` is any callable; what it does not know has a default."""
    assert ("toy", Path(".")) == (key_place(lambda path: "toy", ("a",)), folder_of(lambda path: "toy"))
    assert "f.yaml" == Places("f.yaml", Path("."))(("a",))
