"""The part of a page that a run writes anew; everything around it stays."""

BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"


def replace_block(page: str, block: str) -> str:
    """The page with ``block`` between its two marks. Raises ValueError without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"
