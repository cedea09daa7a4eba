"""The one exception that users cause and users can mend."""


class TinsmithError(Exception):
    """A user's mistake or a broken environment: printed as it stands, without a traceback.

    The message says what is wrong, where (`file:line` or row), and how to mend it. It never holds a value from the
    company's data, only names of files, fields and columns.
    """
