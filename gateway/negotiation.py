"""Headers in which a client ranks what it would take: `Accept` and `Accept-Encoding`."""


def qualities(header: str) -> dict[str, float]:
    """Return name, in lower case → quality, 0 to 1; a quality that is no number counts as 1."""
    made: dict[str, float] = {}
    for part in header.lower().split(","):
        name, *parameters = (item.strip() for item in part.split(";"))
        quality = next((item[2:] for item in parameters if item.startswith("q=")), "1")
        made[name] = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
    return made
