/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of memcached: what they come to, whole and when they are cut at each
 * byte; and whose they are, when several have asked over one connection.
 */
#include "core/base/check.h"
#include "modules/gateway/memcached_answer.h"
#include "modules/gateway/memcached_order.h"
#include "t/unit/tap.h"

static const struct {
    const char *in, *out;
} cases[] = {
    { "VALUE key 0 5\r\nhello\r\nEND\r\n", "value 0 5, hello, end" },
    { "VALUE key 4294967295 0\r\n\r\nEND\r\n", "value 4294967295 0, end" },
    { "VALUE key 0 7\n\r\nEND\r\n\r\nEND\r\n", "value 0 7, \r\nEND\r\n, end" },
    { "END\r\n", "nothing, end" },
    { "VALUE key 0 5\r\nhello\r\nEND", "value 0 5, hello, more" },
    { "VALUE key 0 5\r\nhel", "value 0 5, hel, more" },
    { "VALUE key 0 5", "more" },
    { "", "more" },
    { "VALUE key 0 5\r\nhello world", "value 0 5, hello, bad end" },
    { "VALUE keys 0 5\r\n", "bad key" },
    { "VALUE ke 0 5\r\n", "bad key" },
    { "VALUE key\r\n", "bad key" },
    { "VALUE key 0\r\n", "bad flags" },
    { "VALUE key -1 5\r\n", "bad flags" },
    { "VALUE key 4294967296 5\r\n", "bad flags" },
    { "VALUE key 0 \r\n", "bad length" },
    { "VALUE key 0 5 12\r\n", "bad length" },
    { "VALUE key 0 9223372036854775808\r\n", "bad length" },
    { "VALUES key 0 5\r\n", "bad line" },
    { "ENDE\r\n", "bad line" },
    { "\r\n", "bad line" },
};


/* Adds what the event tells to text; false: it was the last one. */
static bool
tell(char *text, enum memcached_event event, const struct memcached_answer *a,
     bool *in_data)
{
    char  *p = text + strlen(text);
    size_t room = 256 - strlen(text);

    if (event == MEMCACHED_SAW_DATA) {
        snprintf(p, room, "%s" STR_F, *in_data ? "" : ", ", STR_A(a->data));
        *in_data = true;
        return true;
    }
    if (event == MEMCACHED_WANTS_MORE)
        return false;
    if (event == MEMCACHED_SAW_VALUE)
        snprintf(p, room, "value %llu %llu", (unsigned long long) a->flags,
                 (unsigned long long) a->left);
    else if (event == MEMCACHED_SAW_NOTHING)
        snprintf(p, room, "nothing");
    else if (event == MEMCACHED_BAD_LINE)
        snprintf(p, room, "bad %s", a->fault ? a->fault : "line");
    else
        snprintf(p, room, "%s",
                 event == MEMCACHED_SAW_END ? ", end" : ", bad end");
    return event == MEMCACHED_SAW_VALUE || event == MEMCACHED_SAW_NOTHING;
}


/* The text of all events, when the input comes in two parts. */
static const char *
parse(const char *s, size_t cut, char text[256])
{
    struct memcached_answer a = { .key = STR("key") };
    str_t                   in = { s, cut };
    bool                    in_data = false, is_over = false;
    enum memcached_event    event;

    text[0] = '\0';
    for (int part = 0; part < 2 && !is_over; part++) {
        do
            event = memcached_next(&a, &in);
        while (tell(text, event, &a, &in_data));
        is_over = event != MEMCACHED_WANTS_MORE;
        in = str_span(in.p, s + strlen(s));
    }
    if (!is_over)
        strcat(text, text[0] ? ", more" : "more");
    return text;
}


/* --- the order ------------------------------------------------------------ */

enum { TURNS = 3 };

static const struct {
    const char         *leavers, *in;
    const char         *got[TURNS];
    enum memcached_part last;
} orders[] = {
    { "",
      "VALUE a 0 1\r\n1\r\nEND\r\nEND\r\nVALUE c 0 0\r\n\r\nEND\r\n",
      { "VALUE a 0 1\r\n1\r\nEND\r\n", "END\r\n",
        "VALUE c 0 0\r\n\r\nEND\r\n" },
      MEMCACHED_COMPLETE },
    { "b",
      "END\r\nVALUE b 0 5\r\nEND\r\n\r\nEND\r\nEND\r\n",
      { "END\r\n", "", "END\r\n" },
      MEMCACHED_COMPLETE },
    { "ab",
      "END\r\nEND\r\nVALUE c 0 9\r\nnine",
      { "", "", "VALUE c 0 9\r\nnine" },
      MEMCACHED_COMING },
    { "bc",
      "END\r\nEND\r\nEND\r\n",
      { "END\r\n", "", "" },
      MEMCACHED_COMPLETE },
    { "", "END\r\nVALUE c 0 1\r\n", { "END\r\n", "", "" }, MEMCACHED_BROKEN },
    { "a", "END\r\nERROR\r\nEND\r\n", { "", "", "" }, MEMCACHED_BROKEN },
    { "abc", "END\r\nEND\r\nEND\r\nEND\r\n", { "", "", "" }, MEMCACHED_BROKEN },
};


/* Takes what there is from *in on, and adds it to what its turns have got. */
static enum memcached_part
divide(struct memcached_order *o, const struct memcached_turn *turns, str_t *in,
       char got[TURNS][64])
{
    enum memcached_part part = MEMCACHED_COMPLETE;

    while (in->n != 0 && part == MEMCACHED_COMPLETE) {
        const struct memcached_turn *t = memcached_order_current(o);
        str_t                        rest = *in;

        part = memcached_order_take(o, &rest);
        if (part == MEMCACHED_BROKEN)
            break;
        if (t != NULL)
            strncat(got[t - turns], in->p, in->n - rest.n);
        *in = rest;
    }
    return part;
}


static void
test_order(size_t i, size_t cut)
{
    const char           *s = orders[i].in;
    struct memcached_turn turns[TURNS]
        = { { .key = STR("a") }, { .key = STR("b") }, { .key = STR("c") } };
    char                   got[TURNS][64] = { "", "", "" };
    str_t                  in = { s, cut };
    enum memcached_part    part;
    struct memcached_order o;

    memcached_order_init(&o);
    for (size_t t = 0; t < TURNS; t++)
        memcached_order_ask(&o, &turns[t]);
    for (const char *p = orders[i].leavers; *p; p++)
        memcached_order_leave(&o, &turns[*p - 'a']);
    part = divide(&o, turns, &in, got);
    in = str_span(in.p, s + strlen(s));
    if (part != MEMCACHED_BROKEN && in.n != 0)
        part = divide(&o, turns, &in, got);
    ok(part == orders[i].last, "order %zu, cut at %zu", i, cut);
    for (size_t t = 0; t < TURNS; t++)
        is_str(str_of(got[t]), orders[i].got[t], "... turn %zu", t);
}


int
main(void)
{
    char text[256];

    for (size_t i = 0; i < countof(cases); i++)
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++)
            is_str(str_of(parse(cases[i].in, cut, text)), cases[i].out,
                   "case %zu, cut at %zu", i, cut);
    for (size_t i = 0; i < countof(orders); i++)
        for (size_t cut = 0; cut <= strlen(orders[i].in); cut++)
            test_order(i, cut);
    return done();
}
