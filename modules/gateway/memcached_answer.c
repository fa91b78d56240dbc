/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first line is taken as a whole, the value in pieces.
 */
#include "modules/gateway/memcached_answer.h"

#include "core/base/number.h"

static const char end_of_value[] = "\r\nEND\r\n";

enum { END_LENGTH = sizeof(end_of_value) - 1 };


/* Takes what is before the next space off, and the space.  False: there is
 * none. */
static bool
take_word(str_t *line, str_t *word)
{
    const char *space = str_chr(*line, ' ');

    if (space == NULL)
        return false;
    *word = str_span(line->p, space);
    *line = str_from(*line, word->n + 1);
    return true;
}


/* What is wrong with the line of a value, or NULL. */
static const char *
find_fault(struct memcached_answer *a, str_t line)
{
    str_t word;

    if (!take_word(&line, &word) || (a->key.p != NULL && !str_eq(word, a->key)))
        return "key";
    if (!take_word(&line, &word) || !number_parse(word, UINT32_MAX, &a->flags))
        return "flags";
    if (!number_parse(line, INT64_MAX, &a->left))
        return "length";
    return NULL;
}


static enum memcached_event
parse_line(struct memcached_answer *a, str_t line)
{
    str_t word;

    if (str_is(line, "END")) {
        a->ended = END_LENGTH;
        return MEMCACHED_SAW_NOTHING;
    }
    if (!take_word(&line, &word) || !str_is(word, "VALUE"))
        return MEMCACHED_BAD_LINE;
    a->fault = find_fault(a, line);
    return a->fault ? MEMCACHED_BAD_LINE : MEMCACHED_SAW_VALUE;
}


static enum memcached_event
take_line(struct memcached_answer *a, str_t *in)
{
    const char *lf = str_chr(*in, '\n');

    if (lf == NULL)
        return MEMCACHED_WANTS_MORE;
    a->line = str_span(in->p, lf);
    if (a->line.n != 0 && lf[-1] == '\r')
        a->line.n--;
    *in = str_from(*in, (size_t) (lf + 1 - in->p));
    a->has_line = true;
    return parse_line(a, a->line);
}


enum memcached_event
memcached_next(struct memcached_answer *a, str_t *in)
{
    if (!a->has_line)
        return take_line(a, in);
    if (a->left != 0 && in->n != 0) {
        a->data = *in;
        if (a->data.n > a->left)
            a->data.n = (size_t) a->left;
        a->left -= a->data.n;
        *in = str_from(*in, a->data.n);
        return MEMCACHED_SAW_DATA;
    }
    for (; a->left == 0 && a->ended < END_LENGTH && in->n != 0; a->ended++) {
        if (in->p[0] != end_of_value[a->ended])
            return MEMCACHED_BAD_END;
        *in = str_from(*in, 1);
    }
    return a->left == 0 && a->ended == END_LENGTH ? MEMCACHED_SAW_END
                                                  : MEMCACHED_WANTS_MORE;
}


uint64_t
memcached_rest(const struct memcached_answer *a)
{
    return a->has_line ? a->left + (END_LENGTH - a->ended) : 0;
}
