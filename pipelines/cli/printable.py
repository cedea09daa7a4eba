"""Text of the data on its way to a terminal."""


def printable(text: str) -> str:
    """The text with its control characters escaped, so that no row can command the terminal."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
