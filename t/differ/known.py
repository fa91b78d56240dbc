# SPDX-License-Identifier: BSD-2-Clause
"""Differences that are meant, each with its reason.

A difference is one part of one exchange: of configurations start, head, body,
end, asked (of the backend), log and alarms; of peers answers, asked and log.
An entry looks at a Difference and says whether it explains the whole of it;
where it would hide another one behind it, it must look closer.
"""

import re
from collections import Counter, namedtuple

Difference = namedtuple("Difference", "seed conf request part oracle weir")
Known = namedtuple("Known", "reason explains")


def no_length_in_204(d):
    """All answers are equal but for Content-Length in those of 204."""
    return d.part in ("answers", "head") and d.weir == re.sub(
        r"(?m)(^HTTP/1.1 204 .*?)\|Content-Length: \d+", r"\1", d.oracle)


def not_asked_again(d):
    """The backend was asked the same, of which weir left out repetitions."""
    if d.part != "asked":
        return False
    oracle, weir = (Counter(x.split("\n")) for x in (d.oracle, d.weir))
    return set(oracle) == set(weir) and not weir - oracle


KNOWN = {
    "no length in 204": Known(
        "RFC 9110 (8.6) forbids it; nginx passes on what the upstream sent",
        no_length_in_204),
    "not asked again": Known(
        "nginx repeats a request on a kept connection also when a part of "
        "the response had come; weir only when nothing came",
        not_asked_again),
}


def explain(difference):
    """The name of the entry that explains it, or None."""
    for name, known in KNOWN.items():
        if known.explains(difference):
            return name
    return None
