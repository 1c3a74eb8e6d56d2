"""Why a snapshot is not taken, or not given back."""


class Refused(Exception):
    """It will not work by trying again; the text says why, for people."""


class Changed(Exception):
    """Somebody works in the directory just now; trying again helps."""
