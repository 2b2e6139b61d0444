"""Makes words of others fit for a terminal: one line, and no character that would steer it."""


def plain(words: str) -> str:
    """Write every character that cannot be seen, line breaks and escapes included, as what it stands for."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in words)
