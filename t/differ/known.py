# SPDX-License-Identifier: BSD-2-Clause
"""Differences that are meant, each with its reason.

A difference is one part of one exchange: of configurations start, head, body,
end, asked (of the backend), log and alarms; of peers answers, asked, alarms
and bad (requests that the backend cannot read).
An entry looks at a Difference and says whether it explains the whole of it;
where it would hide another one behind it, it must look closer.
"""

import re
from collections import Counter, namedtuple

import peers

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


def asked_again(d):
    """weir repeated what the backend closed before it answered."""
    if d.part != "asked" or d.conf is not peers.CONF:
        return False
    oracle, weir = (Counter(x.split("\n")) for x in (d.oracle, d.weir))
    if set(oracle) != set(weir) or oracle - weir:
        return False
    plan = peers.Plan(d.seed)
    keys = [re.search(r"/\d+-(\d+)", x) for x in weir - oracle]
    return all(m and plan.script(int(m.group(1)), b"GET", False,
                                 False).fault == "closebefore" for m in keys)


def more_of_what_breaks(d):
    """Where the upstream breaks off, the client has more of weir's answer."""
    oracle, weir = d.oracle.split("\n"), d.weir.split("\n")
    if d.part != "answers" or len(oracle) != len(weir):
        return False
    plan = peers.Plan(d.seed)
    form = re.compile(r"(?s)(.*) (\d+) \w+ eof$")
    for i, lines in enumerate(zip(oracle, weir)):
        if lines[0] == lines[1]:
            continue
        a, b = (form.match(x) for x in lines)
        if not b or i >= len(plan.requests) or not plan.breaks_off(i, False):
            return False
        if lines[0] != "cut" and (not a or a.group(1) != b.group(1)
                                  or int(a.group(2)) > int(b.group(2))):
            return False
    return True


def goes_on_when_answered_early(d):
    """nginx has closed, weir has more answers, or asked more for them."""
    oracle, weir = d.oracle.split("\n"), d.weir.split("\n")
    if d.part == "asked":
        same = set(oracle) < set(weir) or d.oracle == ""
        return same and peers.Plan(d.seed).answered_early(9, False)
    i = len(oracle) - 1
    return (d.part == "answers" and oracle[i] == "cut"
            and oracle[:i] == weir[:i]
            and peers.Plan(d.seed).answered_early(i, False))


def more_before_cut(d):
    """Both break off; the client has more of weir's answers."""
    oracle, weir = d.oracle.split("\n"), d.weir.split("\n")
    return (d.part == "answers" and oracle[-1] == weir[-1] == "cut"
            and oracle[:-1] == weir[:len(oracle) - 1])


KNOWN = {
    "no length in 204": Known(
        "RFC 9110 (8.6) forbids it; nginx passes on what the upstream sent",
        no_length_in_204),
    "more before a cut": Known(
        "nginx closes at once where a response breaks off, and requests that "
        "it has not read make the kernel drop what the client has not",
        more_before_cut),
    "more of what breaks off": Known(
        "all that came of a response is delivered before the connection is "
        "closed; nginx drops what is in its buffers",
        more_of_what_breaks),
    "goes on when answered early": Known(
        "a body that was not read when the answer came is read and dropped, "
        "and the connection serves on; nginx said keep-alive, but closes",
        goes_on_when_answered_early),
    "asked again": Known(
        "a kept connection that is closed without a byte of a response was "
        "stale: the same server is asked once more",
        asked_again),
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
