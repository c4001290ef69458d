"""
W2: orders of a shop with many services. About 15 fields, 500 bytes as JSON; each rule looks at a handful.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from benchmarks.workloads import MIX, Drawn, like_number, like_shape, like_text, nested

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP: Final = ["cart", "checkout", "payment", "stock", "parcel", "refund", "search", "review", "mail", "loyalty"]
PARTNERS: Final = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett"]
SOURCES: Final = [f"shop.{name}" for name in SHOP] + [f"partner.{name}" for name in PARTNERS]
DETAIL_TYPES: Final = [
    f"{thing} {event}"
    for thing in ("Order", "Payment", "Parcel", "Refund", "Item")
    for event in ("Created", "Changed", "Accepted", "Rejected", "Cancelled", "Completed")
]
REGIONS: Final = [f"{place}-{number}" for place in ("us-east", "us-west", "eu-west", "eu-north") for number in (1, 2)]
STATUSES: Final = ["new", "paid", "packed", "shipped", "delivered", "returned", "failed"]
CURRENCIES: Final = ["EUR", "USD", "GBP", "SEK", "JPY"]
COUPONS: Final = [f"SAVE{percent}-{letter}" for percent in (5, 10, 15, 20) for letter in "ABCDE"]
SKUS: Final = [f"SKU-{letters}-{number:03}" for letters in ("TEA", "CUP", "BUN", "JAM") for number in range(200)]
TAGS: Final = ["gift", "fragile", "bulk", "first-order", "subscription", "preorder", "review", "manual"]
COUNTRIES: Final = [f"{first}{second}" for first in "ABCDEFGH" for second in "AEIOU"]
TIERS: Final = ["basic", "silver", "gold", "platinum"]
CUSTOMERS: Final = [f"c-{number:05}" for number in range(1_000, 4_000)]
MAILS: Final = ["example.com", "example.org", "mail.example.net"]
NAMES: Final = [
    "ada",
    "alan",
    "barbara",
    "edsger",
    "frances",
    "grace",
    "john",
    "katherine",
    "ken",
    "leslie",
    "margaret",
]


def events(count: int, seed: int = 1, *, fresh: bool = False) -> list[dict[str, Any]]:
    """
    Orders, drawn from the lists above.

    Those that are *fresh* have an id, a time, an order id, a total and an e-mail address of their own.
    """
    draw = random.Random(f"orders {seed} {fresh}")
    return [_event(draw, f"{seed}{number:07}" if fresh else "", number) for number in range(count)]


def _event(draw: random.Random, unique: str, number: int) -> dict[str, Any]:
    customer = draw.randrange(len(CUSTOMERS))
    total = round(draw.expovariate(1 / 80), 2)
    order = unique or f"{draw.randrange(10**8):08}"
    return {
        "version": "0",
        "id": f"6a7e8feb-b491-4cf7-a9f1-{order[-12:]:0>12}",
        "detail-type": draw.choice(DETAIL_TYPES),
        "source": draw.choice(SOURCES),
        "account": "123456789012",
        "time": f"2024-05-{1 + number % 28:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{unique or 0}Z",
        "region": draw.choice(REGIONS),
        "resources": [],
        "detail": {
            "order": {
                "id": f"o-{order}",
                "status": draw.choice(STATUSES),
                "total": float(f"{total:.2f}{unique[-8:]}"),
                "currency": draw.choice(CURRENCIES),
                "priority": draw.randint(1, 9),
                "express": draw.random() < 0.2,
                "coupon": draw.choice(COUPONS) if draw.random() < 0.3 else None,
                "sku": draw.choice(SKUS),
                "tags": draw.sample(TAGS, draw.randint(0, 3)),
            },
            "customer": {
                "id": CUSTOMERS[customer],
                "country": draw.choice(COUNTRIES),
                "tier": draw.choice(TIERS),
                "email": f"{NAMES[customer % len(NAMES)]}.{unique or customer}@{draw.choice(MAILS)}",
            },
        },
    }


ORDER: Final = ("detail", "order")
CUSTOMER: Final = ("detail", "customer")
TEXTS: Final[dict[tuple[str, ...], list[str]]] = {
    (*ORDER, "status"): STATUSES,
    (*ORDER, "currency"): CURRENCIES,
    (*ORDER, "coupon"): COUPONS,
    (*ORDER, "sku"): SKUS,
    (*ORDER, "tags"): TAGS,
    (*CUSTOMER, "id"): CUSTOMERS,
    (*CUSTOMER, "country"): COUNTRIES,
    (*CUSTOMER, "tier"): TIERS,
    ("region",): REGIONS,
}
LONG_TEXTS: Final = {keys: TEXTS[keys] for keys in TEXTS if len(TEXTS[keys][0]) >= 4} | {
    (*CUSTOMER, "email"): [f"{name}.{number}@{mail}" for name in NAMES for number in (7, 41) for mail in MAILS]
}
NUMBERS: Final = [(*ORDER, "total"), (*ORDER, "priority")]
OTHERS: Final[dict[tuple[str, ...], list[Any]]] = {
    (*ORDER, "priority"): list(range(1, 10)),
    (*ORDER, "express"): [True, False],
    (*ORDER, "coupon"): [None],
}


def rules(count: int, seed: int = 1) -> dict[str, dict[str, Any]]:
    """
    A rule looks at the source (85%), the detail type (75%), and one to three fields more, with operators as in `MIX`.
    """
    draw = random.Random(f"order rules {seed}")
    return {f"rule-{number}": _rule(draw) for number in range(count)}


def _rule(draw: random.Random) -> dict[str, Any]:
    found: dict[tuple[str, ...], list[Any]] = {}
    if draw.random() < 0.85:
        found["source",] = [draw.choice(SOURCES)]
    if draw.random() < 0.75:
        found["detail-type",] = draw.sample(DETAIL_TYPES, draw.randint(1, 3))
    for operator in draw.choices(list(MIX), list(MIX.values()), k=draw.randint(1, 3)):
        keys, wanted = OPERATORS[operator](draw)
        if keys not in found:
            found[keys] = wanted
    return nested([Drawn(keys, wanted) for keys, wanted in found.items()])


def _exact(draw: random.Random) -> Drawn:
    if draw.random() < 0.2:
        keys = draw.choice(list(OTHERS))
        return Drawn(keys, [draw.choice(OTHERS[keys])])
    keys = draw.choice(list(TEXTS))
    return Drawn(keys, draw.sample(TEXTS[keys], draw.choice([1, 1, 1, 2, 3])))


def _text(draw: random.Random) -> Drawn:
    keys = draw.choice(list(LONG_TEXTS))
    return Drawn(keys, like_text(draw.choice(LONG_TEXTS[keys]), draw))


def _numeric(draw: random.Random) -> Drawn:
    keys = draw.choice(NUMBERS)
    return Drawn(
        keys, like_number(round(draw.expovariate(1 / 80), 2) if keys[-1] == "total" else draw.randint(1, 9), draw)
    )


def _not(draw: random.Random) -> Drawn:
    if draw.random() < 0.4:
        return Drawn(
            draw.choice([(*ORDER, "coupon"), (*ORDER, "tags"), (*ORDER, "note")]), [{"exists": draw.random() < 0.5}]
        )
    keys = draw.choice(list(TEXTS))
    return Drawn(keys, [{"anything-but": draw.sample(TEXTS[keys], draw.randint(1, 3))}])


def _wildcard(draw: random.Random) -> Drawn:
    keys = draw.choice(list(LONG_TEXTS))
    return Drawn(keys, like_shape(draw.choice(LONG_TEXTS[keys]), draw))


OPERATORS: Final[dict[str, Callable[[random.Random], Drawn]]] = {
    "exact": _exact,
    "text": _text,
    "numeric": _numeric,
    "not": _not,
    "wildcard": _wildcard,
}
