"""Market files: the shipped one, one's own, and every mistake with its place."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from drydock.harness.mistakes import BadFile
from drydock.models.markets import PARADEX_MARKETS, Markets, paradex_markets, read_markets

HEADER = "market,imf_pct,price_band_pct,funding_period_h,max_funding_rate_pct_per_period"


def read(folder: Path, *lines: str, prefix: bytes = b"") -> Markets:
    file = folder / "m.csv"
    file.write_bytes(prefix + "\n".join(lines).encode())
    return read_markets(file)


def mistakes(folder: Path, *lines: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        read(folder, *lines)
    return [str(mistake).replace(str(folder) + "/", "") for mistake in caught.value.mistakes]


def test_shipped_file_is_the_documented_venue() -> None:
    """117 markets: initial margin, bands and periods in the documented numbers, MMF half of IMF, PAXG the outlier."""
    markets = paradex_markets()
    assert 117 == len(markets)
    assert {20_000: 5, 33_333: 2, 50_000: 21, 100_000: 21, 200_000: 68} == Counter(markets.imf_ppm.tolist())
    assert {50_000: 10, 100_000: 18, 150_000: 19, 200_000: 70} == Counter(markets.band_ppm.tolist())
    assert {1: 16, 2: 3, 4: 54, 8: 44} == Counter((markets.period_ms // 3_600_000).tolist())
    assert {150_000: 54, 200_000: 63} == Counter(markets.ewma_ppm.tolist())
    assert "PAXG-USD-PERP" == markets.names[int((markets.band_ppm // markets.mmf_ppm).argmax())]
    assert 20 == (markets.band_ppm // markets.mmf_ppm).max()
    assert 16_667 == markets[markets.index("SUI-USD-PERP")].mmf_ppm


def test_shares_add_up_and_references_have_seven_digits() -> None:
    """Shares of open interest are exactly 100 %; every reference price lies in [1e6, 1e7) price quantums."""
    markets = paradex_markets()
    assert 1_000_000 == markets.open_interest_share_ppm.sum()
    assert ((markets.reference_price_quantums >= 10**6) & (markets.reference_price_quantums < 10**7)).all()


def test_size_times_price_is_money_exactly() -> None:
    """A size in base units times a price in USD is the product of the quantums in 1e-6 USD, also for tiny prices."""
    markets = paradex_markets()
    for market in (markets[at] for at in range(len(markets))):
        price_usd = market.price_usd(market.reference_price_quantums)
        assert market.size_base(7) * price_usd * 1_000_000 == 7 * market.reference_price_quantums
        assert market.reference_price_quantums == market.price_quantums(price_usd)
    assert Decimal("92600") == markets[0].price_usd(markets[0].reference_price_quantums)


def test_own_file_needs_five_columns(tmp_path: Path) -> None:
    """Price, share and the rest have defaults: 1 USD, equal shares, EWMA 20 %; blanks and a BOM do no harm."""
    lines = (HEADER, ' AAA , 10,5,8,"5"', "", "BBB,3.3333,5,1,0.5", "CCC,2,5,1,1")
    markets = read(tmp_path, *lines, prefix=b"\xef\xbb\xbf")
    assert ("AAA", "BBB", "CCC") == markets.names
    assert [100_000, 33_333, 20_000] == markets.imf_ppm.tolist()
    assert [1_000_000] * 3 == markets.reference_price_quantums.tolist()
    assert [333_334, 333_333, 333_333] == markets.open_interest_share_ppm.tolist()
    assert [200_000] * 3 == markets.ewma_ppm.tolist()


def test_own_file_may_bring_prices_and_shares(tmp_path: Path) -> None:
    """Reference price and share are read from the same file; the size exponent follows the price."""
    header = HEADER + ",reference_price_usd,open_interest_share_pct"
    markets = read(tmp_path, header, "AAA,10,5,8,5,92600,75", "BBB,10,5,8,5,0.0026,25")
    assert [9_260_000, 2_600_000] == markets.reference_price_quantums.tolist()
    assert [4, -3] == markets.size_exponent.tolist()
    assert [750_000, 250_000] == markets.open_interest_share_ppm.tolist()


def test_every_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    """All mistakes of a file at once, each as file:line:column, what is wrong and what is allowed."""
    lines = ("AAA,NaN,5,8,5", "BBB,-2,five,8,5", "AAA,10,5,8,5", "CCC,10,5", ",10,5,8,0.00001", "D,1,1e99,inf,")
    found = mistakes(tmp_path, HEADER, *lines)
    assert [
        "m.csv:2:5: imf_pct: NaN is out of range; allowed is a number from 0.1 to 100",
        "m.csv:3:5: imf_pct: -2 is out of range; allowed is a number from 0.1 to 100",
        "m.csv:3:8: price_band_pct: 'five' is not a number; allowed is a number from 0.1 to 100",
        "m.csv:4:1: market 'AAA' is there twice; first at m.csv:2:1",
        "m.csv:5:1: 3 fields under 5 columns: " + HEADER.replace(",", ", "),
        "m.csv:6:1: the market has no name",
        "m.csv:6:9: max_funding_rate_pct_per_period: 0.00001 is finer than 0.0001, "
        "which is the smallest that is counted",
        "m.csv:7:5: price_band_pct: 1e99 is out of range; allowed is a number from 0.1 to 100",
        "m.csv:7:10: funding_period_h: inf is out of range; allowed is a number from 0.01 to 24",
        "m.csv:7:14: max_funding_rate_pct_per_period: '' is not a number; allowed is a number from 0 to 100",
    ] == found


def test_header_is_checked_before_anything_else(tmp_path: Path) -> None:
    """A missing column says which and what is allowed, an unknown one what was meant, a doubled one so."""
    found = mistakes(tmp_path, "market,imf_pc,price_band_pct,price_band_pct,funding_period_h", "AAA,1,1,1,1")
    assert ["m.csv:1:1", "m.csv:1:1", "m.csv:1:8", "m.csv:1:30"] == [text.split(": ")[0] for text in found]
    assert "column 'imf_pct' is missing; allowed: market, imf_pct, price_band_pct" in found[0]
    assert "unknown column 'imf_pc'; did you mean 'imf_pct'?" in found[2]
    assert "'price_band_pct' is there twice" in found[3]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), "is empty"),
        ((HEADER,), "there is a header but no market below it"),
        ((HEADER + ",open_interest_share_pct", "A,1,1,1,1,60", "B,1,1,1,1,30"), "add up to 90 %; they must be 100 %"),
    ],
)
def test_file_without_usable_content_says_so(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    """Empty, header only, shares that do not add up: one mistake each."""
    found = mistakes(tmp_path, *lines)
    assert 1 == len(found)
    assert told in found[0]


def test_missing_file_and_market_without_reference_are_told(tmp_path: Path) -> None:
    """A file that is not there, and a market that the reference file forgets, are mistakes with a place."""
    with pytest.raises(BadFile, match=r"no\.csv: there is no such file"):
        read_markets(tmp_path / "no.csv")
    reference = tmp_path / "r.csv"
    reference.write_text("market,reference_price_usd\nBTC-USD-PERP,5\n")
    with pytest.raises(BadFile, match="market 'ETH-USD-PERP' has no line in"):
        read_markets(PARADEX_MARKETS, reference)


def test_subset_keeps_terms_and_scales_shares() -> None:
    """Three of 117 keep their terms and order, and their shares are 100 % again; an unknown name says what there is."""
    markets = paradex_markets()
    few = markets.subset(["PAXG-USD-PERP", "BTC-USD-PERP", "ETH-USD-PERP"])
    assert ("PAXG-USD-PERP", "BTC-USD-PERP", "ETH-USD-PERP") == few.names
    assert markets[0].reference_price_quantums == few[1].reference_price_quantums
    assert [81_633, 612_245, 306_122] == few.open_interest_share_ppm.tolist()
    with pytest.raises(KeyError, match="did you mean 'BTC-USD-PERP'"):
        markets.subset(["BTC-USD-PER"])


def test_market_arrays_are_read_only() -> None:
    """Terms are shared by many runs: writing to one raises."""
    with pytest.raises(ValueError, match="read-only"):
        paradex_markets().imf_ppm[0] = 1


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separator_is_one_mistake(tmp_path: Path, mark: str) -> None:
    """A spreadsheet's export is told what it is, and not that every column is missing."""
    told = f"m.csv:1:7: fields are parted by {mark!r}; allowed is a comma"
    assert [told] == mistakes(tmp_path, HEADER.replace(",", mark), "AAA,10,5,8,5".replace(",", mark))


def test_name_is_one_that_can_be_printed(tmp_path: Path) -> None:
    """Names reach a terminal; letters of any script may, control characters may not."""
    assert ("狗狗",) == read(tmp_path, HEADER, "狗狗,10,5,8,5").names
    told = "m.csv:2:1: market 'A\\x1b[31m' has a character that cannot be printed"
    assert [told] == mistakes(tmp_path, HEADER, "A\x1b[31m,10,5,8,5")
