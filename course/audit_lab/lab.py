"""A lab: vendors drawn from a seed, the answers under seal, and the score of what an auditor files."""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from course.audit_lab.blueprint import draw_blueprint, draw_flaws
from course.audit_lab.brochures import draw_sheets
from course.audit_lab.findings import Finding, Flaw, Score, score_against
from course.audit_lab.vendor import Vendor


class Lab:
    """Thirteen or fourteen vendors. Made by `open_lab`.

    Attributes:
        vendors: in the order of their arrival.
    """

    __slots__ = ("_planted", "vendors")

    def __init__(self, vendors: tuple[Vendor, ...], planted: dict[str, frozenset[Flaw]]) -> None:
        self.vendors, self._planted = vendors, planted

    def __repr__(self) -> str:
        return f"<audit lab: {', '.join(vendor.name for vendor in self.vendors)}>"

    def __len__(self) -> int:
        return len(self.vendors)

    def __iter__(self) -> Iterator[Vendor]:
        return iter(self.vendors)

    def __getitem__(self, name: str) -> Vendor:
        for vendor in self.vendors:
            if vendor.name == name:
                return vendor
        raise KeyError(f"no vendor here is called {name!r}; there are {[v.name for v in self.vendors]}")


def open_lab(seed: int | str) -> Lab:
    """The lab of this seed: your name will do. Another seed is another lab.

    Drawn from the seed are the names, their order, the brochures, the parameters, which vendors are flawed,
    where in them a flaw sits and how it shows. Each of the ten flaws is planted at least once, up to three
    vendors have a second one, and three or four vendors are sound. Of the sound ones at least two admit
    limits in their brochure, of the flawed ones at least three boast and three do not.

    Limits: masks come from fresh keys, so what a masked message looks like differs from run to run; all else
        is a function of the seed and of what was asked before.
    """
    digest = hashlib.sha256(f"audit lab {seed}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    flaws = draw_flaws(rng, num_sound=int(rng.integers(3, 5)))
    sheets = draw_sheets(len(flaws), rng, modest=_modesty(flaws, rng))
    vendors = tuple(
        Vendor(sheet, draw_blueprint(planted, rng), seed=int(rng.integers(2**62)))
        for sheet, planted in zip(sheets, flaws, strict=True)
    )
    return Lab(vendors, {sheet.vendor: planted for sheet, planted in zip(sheets, flaws, strict=True)})


def _modesty(flaws: list[frozenset[Flaw]], rng: np.random.Generator) -> np.ndarray:
    """Who admits limits: by a coin each, drawn again until there are brochures that mislead on both sides."""
    sound = np.array([not planted for planted in flaws])
    while True:
        modest = rng.random(len(flaws)) < 0.5
        if (modest & sound).sum() >= 2 and (~modest & ~sound).sum() >= 3 and (modest & ~sound).sum() >= 3:
            return modest


def score(findings: Iterable[Finding], lab: Lab) -> Score:
    """What these findings are worth in this lab; see `Score`.

    Limits: with a score after every finding you could guess your way through. File once.
    """
    return score_against(findings, lab._planted)


def reveal(lab: Lab) -> dict[str, frozenset[Flaw]]:
    """The answers: vendor → its flaws. Look when you have filed."""
    return dict(lab._planted)
