"""How the exercise machine speaks: a coloured box in a notebook, one plain line elsewhere."""

import html

# Okabe–Ito colours, doubled by a word and a mark, so that nobody depends on seeing the colour.
_LOOKS = {
    "passed": ("#009E73", "✔"),
    "not yet": ("#D55E00", "✘"),
    "not attempted": ("#0072B2", "○"),
    "claim": ("#009E73", "✔"),
    "hint": ("#E69F00", "?"),
    "note": ("#0072B2", "i"),
    "right": ("#009E73", "✔"),
    "wrong": ("#D55E00", "✘"),
}
_WORDS = {"claim": "", "right": "Right: ", "wrong": "Not this one: "}
"""What stands before the heading; for all other kinds it is the kind itself."""


class Box:
    """A short message with a kind (`passed`, `not yet`, …), a heading and some lines of text."""

    def __init__(self, kind: str, heading: str, *lines: str) -> None:
        self.kind, self.heading, self.lines = kind, heading, [line for line in lines if line]

    def __repr__(self) -> str:
        head = f"{_LOOKS[self.kind][1]} {self._word()}{self.heading}"
        return "\n".join([head, *(f"  {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        colour, mark = _LOOKS[self.kind]
        body = "".join(
            f'<div style="margin-top:4px;white-space:pre-wrap">{html.escape(line)}</div>'
            for line in self.lines
        )
        # JupyterLab's own variables follow its theme; the fallbacks serve everything else.
        return (
            f'<div role="status" style="border-left:6px solid {colour};padding:6px 12px;margin:2px 0;'
            "background:var(--jp-layout-color2,#f5f5f5);color:var(--jp-content-font-color1,#111);"
            f'max-width:56em"><b><span style="color:{colour}">{mark}</span> {self._word()}'
            f"{html.escape(self.heading)}</b>{body}</div>"
        )

    def _word(self) -> str:
        return _WORDS.get(self.kind, f"{self.kind}: ")


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel (and not in a plain interpreter or a test)."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def show(box: object) -> None:
    """Display something that has `_repr_html_` in a notebook; print its plain text elsewhere."""
    if in_notebook():
        from IPython.display import display

        display(box)
    else:
        print(repr(box))
