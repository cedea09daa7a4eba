"""Text of the data, and names of files, on their way to a terminal."""


def printable(text: str) -> str:
    """The text with its control characters escaped, so that no row can command the terminal."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
