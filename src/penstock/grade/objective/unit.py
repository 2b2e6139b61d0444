"""Units of measurement: read, and converted inside one dimension.

A unit is a factor to SI base units with a power for each of them, so "km/h", "m s^-1" and "kg·m/s^2" need no entry of
their own. Degrees of temperature have an offset as well. Currencies are dimensions that nothing converts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

Dimension: TypeAlias = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit.

    Attributes:
        name: As it was written.
        factor: What one of it is in base units.
        dimension: The base units and their powers.
        offset: What zero of it is in base units (temperatures).
    """

    name: str
    factor: Fraction
    dimension: Dimension
    offset: Fraction = Fraction(0)

    def to(self, value: Fraction, other: Unit) -> Fraction:
        """Convert a value of this unit into another of the same dimension."""
        return (value * self.factor + self.offset - other.offset) / other.factor


_PREFIXES = {
    "n": ("nano", Fraction(1, 10**9)), "μ": ("micro", Fraction(1, 10**6)), "u": ("micro", Fraction(1, 10**6)),
    "m": ("milli", Fraction(1, 1000)), "c": ("centi", Fraction(1, 100)), "d": ("deci", Fraction(1, 10)),
    "h": ("hecto", Fraction(100)), "k": ("kilo", Fraction(1000)), "M": ("mega", Fraction(10**6)),
    "G": ("giga", Fraction(10**9)),
}  # fmt: skip
_JOULE, _PASCAL = "m2 kg s-2", "kg m-1 s-2"
# symbol, its words, factor, base units, prefixes
_PREFIXED = (
    ("m", "meter metre mètre metro メートル 미터 米 метр", 1, "m", "nμumcdk"),
    ("g", "gram gramme gramm gramo grammo grama グラム 그램 克 грамм", "0.001", "kg", "μumk"),
    ("L", "liter litre litro リットル 리터 升 литр", "0.001", "m3", "μumcd"),
    ("s", "second sec sekunde seconde segundo secondo 秒 秒钟 초 секунда с", 1, "s", "nμum"),
    ("Pa", "pascal パスカル 파스칼 帕 帕斯卡", 1, _PASCAL, "hkMG"),
    ("W", "watt ワット 와트 瓦 瓦特", 1, "m2 kg s-3", "mkMG"),
    ("J", "joule ジュール 줄 焦 焦耳", 1, _JOULE, "mkMG"),
    ("cal", "calorie カロリー 칼로리 卡", "4.184", _JOULE, "k"),
    ("Wh", "", 3600, _JOULE, "kMG"),
    ("N", "newton ニュートン 뉴턴 牛 牛顿", 1, "m kg s-2", "mkM"),
    ("V", "volt ボルト 볼트 伏 伏特", 1, "m2 kg s-3 A-1", "mk"),
    ("A", "ampere amp アンペア 암페어 安 安培", 1, "A", "μum"),
    ("Ω", "ohm オーム 옴 欧姆", 1, "m2 kg s-3 A-2", "mkM"),
    ("C", "coulomb クーロン", 1, "A s", "μum"),
    ("F", "farad ファラド", 1, "A2 s4 kg-1 m-2", "nμum"),
    ("Hz", "hertz ヘルツ 헤르츠 赫兹", 1, "s-1", "kMG"),
    ("mol", "mole モル 몰 摩尔", 1, "mol", "m"),
    ("bar", "", 100_000, _PASCAL, "m"),
    ("eV", "", "1.602176634e-19", _JOULE, "kM"),
)
_PLAIN = (
    ("t", "tonne ton トン 톤 吨 噸", 1000, "kg"),
    ("min", "minute mins minuto minuten 分 分間 分钟 分鐘 분 минута мин", 60, "s"),
    ("h", "hour hr hrs stunde stunden heure hora ora 時間 小时 小時 시간 час ч", 3600, "s"),
    ("d", "day tag tage jour día dia giorno 日 日間 天 일 день", 86_400, "s"),
    ("wk", "week 週間 周 주", 604_800, "s"),
    ("K", "kelvin ケルビン 켈빈", 1, "K"),
    ("in", "inch inches", "0.0254", "m"),
    ("ft", "foot feet", "0.3048", "m"),
    ("yd", "yard", "0.9144", "m"),
    ("mi", "mile", "1609.344", "m"),
    ("mph", "", "0.44704", "m s-1"),
    ("kph", "kmh", Fraction(5, 18), "m s-1"),
    ("lb", "lbs pound-mass", "0.45359237", "kg"),
    ("oz", "ounce", "0.028349523125", "kg"),
    ("ha", "hectare ヘクタール", 10_000, "m2"),
    ("atm", "atmosphere", 101_325, _PASCAL),
    ("cc", "", "0.000001", "m3"),
    ("l", "ℓ", "0.001", "m3"),
    ("公里", "", 1000, "m"), ("公斤", "", 1, "kg"), ("厘米", "", "0.01", "m"), ("毫米", "", "0.001", "m"),
    ("千米", "", 1000, "m"), ("千克", "", 1, "kg"), ("毫克", "", "0.000001", "kg"), ("毫升", "", "0.000001", "m3"),
    ("センチ", "", "0.01", "m"), ("ミリ", "", "0.001", "m"),
    ("км", "", 1000, "m"), ("см", "", "0.01", "m"), ("мм", "", "0.001", "m"), ("м", "", 1, "m"),
    ("кг", "", 1, "kg"), ("г", "", "0.001", "kg"), ("мг", "", "0.000001", "kg"), ("л", "", "0.001", "m3"),
    ("мл", "", "0.000001", "m3"),
    ("°", "deg degree degrees 度 도 градус", 1, "angle"),
    ("rad", "radian", Fraction(180 / math.pi), "angle"),
    ("%", "percent pct パーセント 퍼센트 프로 процент prozent", "0.01", ""),
    ("‰", "permille", "0.001", ""),
    ("ppm", "", "0.000001", ""),
    ("割", "할", "0.1", ""),
    ("$", "USD US$ dollar dólar 달러 ドル 美元", 1, "USD"),
    ("€", "EUR euro 유로 ユーロ 欧元", 1, "EUR"),
    ("£", "GBP", 1, "GBP"),
    ("¥", "JPY yen 円 엔", 1, "JPY"),
    ("元", "CNY RMB yuan 人民币", 1, "CNY"),
    ("₩", "KRW won 원", 1, "KRW"),
    ("₹", "INR Rs rupee", 1, "INR"),
    ("₽", "RUB руб рубль", 1, "RUB"),
)  # fmt: skip
_PREFIX_SIGNS = {
    "キロ": "k",
    "センチ": "c",
    "ミリ": "m",
    "デシ": "d",
    "ヘクト": "h",
    "メガ": "M",
    "킬로": "k",
    "센티": "c",
    "밀리": "m",
}
_TEMPERATURES = (
    ("°C", "degC celsius centigrade °Celsius 摂氏度 摄氏度 섭씨", 1, Fraction("273.15")),
    ("°F", "degF fahrenheit °Fahrenheit 華氏度 华氏度 화씨", Fraction(5, 9), Fraction("459.67") * 5 / 9),
)
_DEGREES = frozenset(("C", "F", "°", "deg", "degree", "degrees", "度", "도"))  # may all mean a temperature

CURRENCIES = "$€£¥₩₹₽"
"""Signs that stand before a number."""


def _dimension(text: str) -> Dimension:
    pairs = (re.fullmatch(r"([^\d-]+)(-?\d)?", one) for one in text.split())
    return frozenset((pair[1], int(pair[2] or 1)) for pair in pairs if pair)


def _named(symbols: dict[str, Unit], names: str, factor: Fraction, dimension: Dimension) -> None:
    for name in names.split():
        symbols[name] = Unit(name=name, factor=factor, dimension=dimension)
        if len(name) > 2 and name[-1].isascii():
            symbols.setdefault(f"{name}s", symbols[name])


def _table() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for symbol, words, factor, base, prefixes in _PREFIXED:
        size, dimension = Fraction(factor), _dimension(base)
        _named(table, f"{symbol} {words}", size, dimension)
        for sign in prefixes:
            word, times = _PREFIXES[sign]
            _named(table, sign + symbol, size * times, dimension)
            _named(table, " ".join(word + one for one in words.split() if one.isalpha()), size * times, dimension)
        for glued, sign in _PREFIX_SIGNS.items():
            if sign in prefixes:
                _named(table, " ".join(glued + one for one in words.split()), size * _PREFIXES[sign][1], dimension)
    for symbol, words, given, base in _PLAIN:
        _named(table, f"{symbol} {words}", Fraction(given), _dimension(base))
    for symbol, words, given, offset in _TEMPERATURES:
        for name in f"{symbol} {words}".split():
            table[name] = Unit(name=symbol, factor=Fraction(given), dimension=_dimension("K"), offset=offset)
    return table


_TABLE = _table()
_FOLDED: dict[str, set[str]] = {}
for _name in _TABLE:
    _FOLDED.setdefault(_name.casefold(), set()).add(_name)

_TERM = re.compile(r"(?P<name>°\s?[A-Za-z]+|[°%‰]|[$€£¥₩₹₽]|US\$|[^\W\d_]+\$?)(?P<power>\^?\(?-?[1-9]\)?(?!\d))?")
_DEGREE = re.compile("(?:° |deg |degrees? )")
_PER = re.compile(r"\s?/\s?|\sper\s|毎|每")
_TIMES = re.compile(r"\s?\*\s?|\s|-(?=[A-Za-z])")


def read_unit(text: str) -> Unit | None:
    """Read a text that is a unit and nothing else ("km", "m/s^2", "kilometers per hour")."""
    text = text.strip()
    if not text or len(text) > 60:
        return None
    grouped = re.fullmatch(r"(?P<above>[^()]+)/\s?\((?P<below>[^()]+)\)", text)
    if grouped:
        text = f"{grouped['above']}/{_TIMES.sub('/', grouped['below'].strip())}"
    return _single(text) or _product(text)


def measures_alike(one: Unit, other: Unit) -> Unit | None:
    """Give the first unit as one of the other's dimension, or None where nothing converts it.

    Signs that stand for several units ("20 C", "20 degrees", "¥20") are taken for that of the other's dimension.
    """
    if one.dimension == other.dimension:
        return one
    if one.name in _DEGREES and other.dimension == _dimension("K"):
        return _TABLE.get(f"°{one.name}", other)
    return other if one.name == "¥" and other.dimension == _dimension("CNY") else None


def siblings(unit: Unit) -> list[Unit]:
    """List the known units of the same dimension."""
    return [other for other in _TABLE.values() if other.dimension == unit.dimension]


def _single(name: str) -> Unit | None:
    compact = _DEGREE.sub("°", name).replace("per cent", "percent")
    for spelled in (compact, compact.lower(), compact.lower().removesuffix(".")):
        if spelled in _TABLE:
            return _TABLE[spelled]
    if compact == "k":  # a thousand, to most who write it
        return None
    alike = {_TABLE[one].factor: _TABLE[one] for one in _FOLDED.get(compact.casefold(), ())}
    return next(iter(alike.values())) if len(alike) == 1 else None


def _product(text: str) -> Unit | None:
    factor, powers, at, sign = Fraction(1), Counter[str](), 0, 1
    while True:
        term = _TERM.match(text, at)
        unit = _single(term["name"]) if term else None
        if term is None or unit is None:
            return None
        power = sign * int((term["power"] or "1").strip("^()"))
        factor *= unit.factor**power
        for base, exponent in unit.dimension:
            powers[base] += exponent * power
        at = term.end()
        if at == len(text):
            break
        over = _PER.match(text, at)
        joint = over or _TIMES.match(text, at)
        if joint is None:
            return None
        sign, at = -1 if over else sign, joint.end()
    kept = frozenset((base, power) for base, power in powers.items() if power)
    return Unit(name=text, factor=factor, dimension=kept)
