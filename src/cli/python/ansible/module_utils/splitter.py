"""Splitting `name=value` texts at blanks, outside of quotes and templates."""

_BLOCKS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))


def is_quoted(data):
    """Whether a text stands in quotes."""
    return len(data) > 0 and data[0] == data[-1] and data[0] in "'\""


def unquote(data):
    """A text without the quotes that it stands in."""
    return data[1:-1] if is_quoted(data) else data


def _quote_after(word, quote):
    """The quote that is open behind a word, when one (or None) was open before it."""
    before = None
    for letter in word:
        if letter in "'\"" and before != "\\":
            if quote is None:
                quote = letter
            elif quote == letter:
                quote = None
        before = letter
    return quote


def split_args(args):
    """The words of a text; words within quotes or templates stay together, line ends as well.

    Raises Exception where quotes or blocks of templates are not closed.
    """
    words = []
    depths = [0, 0, 0]
    quote = None
    lines = args.strip().split("\n")
    for line_at, line in enumerate(lines):
        is_continued = False
        pieces = line.strip().split(" ")
        for piece_at, piece in enumerate(pieces):
            if piece == "\\":
                is_continued = quote is None
                if is_continued:
                    continue
            was_open = quote is not None or any(depths)
            quote_before = quote
            quote = _quote_after(piece, quote)
            if was_open:
                joint = "" if piece_at == 0 else " "
                words[-1] += joint + piece
            elif piece or quote_before:
                words.append(piece)
            for at, (opened, closed) in enumerate(_BLOCKS):
                change = piece.count(opened) - piece.count(closed)
                depths[at] = max(depths[at] + change, 0)
        is_last = line_at == len(lines) - 1
        if not is_last and not is_continued and words:
            words[-1] += "\n"
    if quote is not None or any(depths):
        raise Exception(
            "error while splitting arguments, either an unbalanced jinja2 block or quotes"
        )
    return words
