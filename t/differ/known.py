# SPDX-License-Identifier: BSD-2-Clause
"""Differences that are meant, each with its reason.

A difference is one part of one exchange: of configurations start, head, body,
end, asked (of the backend), log and alarms; of peers answers, asked and log.
An entry looks at a Difference and says whether it explains the whole of it;
where it would hide another one behind it, it must look closer.
"""

from collections import namedtuple

Difference = namedtuple("Difference", "seed conf request part oracle weir")
Known = namedtuple("Known", "reason explains")

KNOWN = {}


def explain(difference):
    """The name of the entry that explains it, or None."""
    for name, known in KNOWN.items():
        if known.explains(difference):
            return name
    return None
