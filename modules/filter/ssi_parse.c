/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Outside of commands, "<!--#" is searched for; within them, each byte has its
 * state.  Behind a fault, everything up to "-->" belongs to the command.
 *
 * Names and values are kept one behind the other in memory, which has room for
 * one command of the greatest size at most, and faults in memory of their own.
 */
#include "modules/filter/ssi_parse.h"

#include <stdio.h>

#include "core/base/search.h"

enum state {
    TEXT,
    BEFORE_NAME,
    NAME,
    BEFORE_PARAM,
    PARAM,
    BEFORE_EQUAL,
    BEFORE_VALUE,
    VALUE,
    ESCAPED,
    AFTER_VALUE,
    END,  /* behind "-"                                                      */
    END2, /* behind "--"                                                     */
    FAULT,
    FAULT_END,
    FAULT_END2,
};

static const char begin[] = "<!--#";
enum { BEGIN = sizeof(begin) - 1, ROOM = 256, FAULT_ROOM = 2048 };


void
ssi_parser_init(struct ssi_parser *p, struct arena *a, size_t value_max)
{
    *p = (struct ssi_parser){ .arena = a, .value_max = value_max };
    p->search = search_new(a, &STR("<!--#"), 1);
}


str_t
ssi_parser_rest(const struct ssi_parser *p)
{
    return (str_t){ begin, p->state == TEXT ? p->matched : 0 };
}


/* --- text ---------------------------------------------------------------- */

static void
begin_command(struct ssi_parser *p)
{
    p->state = BEFORE_NAME;
    p->matched = 0;
    p->used = 0;
    p->n_ends = 0;
}


/* Goes on with a "<!--#" that was cut. */
static enum ssi_event
match_begin(struct ssi_parser *p, str_t *in)
{
    while (in->n != 0 && in->p[0] == begin[p->matched]) {
        *in = str_from(*in, 1);
        if (++p->matched == BEGIN) {
            begin_command(p);
            return SSI_TEXT;
        }
    }
    if (in->n == 0)
        return SSI_MORE;
    p->text = (str_t){ begin, p->matched };
    p->matched = 0;
    return SSI_TEXT;
}


static enum ssi_event
read_text(struct ssi_parser *p, str_t *in)
{
    struct search_hit hit;

    p->text = (str_t){ in->p, 0 };
    if (p->matched != 0)
        return match_begin(p, in);
    if (!search_find(p->search, *in, 0, NULL, false, &hit)) {
        p->text = *in;
        *in = str_from(*in, in->n);
        return SSI_TEXT;
    }
    p->text.n = hit.at;
    *in = str_from(*in, hit.at);
    if (hit.which == SEARCH_PART) {
        p->matched = (unsigned) in->n;
        *in = str_from(*in, in->n);
    } else {
        *in = str_from(*in, BEGIN);
        begin_command(p);
    }
    return SSI_TEXT;
}


/* --- commands ------------------------------------------------------------ */

static void
add(struct ssi_parser *p, char c)
{
    if (p->used == p->room) {
        p->memory = arena_grow(p->arena, p->memory, p->used, p->room + ROOM);
        p->room += ROOM;
    }
    p->memory[p->used++] = c;
}


/* A name or value ends. */
static void
end_word(struct ssi_parser *p)
{
    p->ends[p->n_ends++] = p->used;
}


static str_t
word_at(const struct ssi_parser *p, unsigned i)
{
    size_t from = i != 0 ? p->ends[i - 1] : 0;
    size_t to = i < p->n_ends ? p->ends[i] : p->used;

    return (str_t){ p->memory + from, to - from };
}


/* The one that is being read. */
static str_t
last_word(const struct ssi_parser *p)
{
    return word_at(p, p->n_ends);
}


static void
tell_command(struct ssi_parser *p)
{
    unsigned i;

    p->command.name = word_at(p, 0);
    p->command.n = p->n_ends / 2;
    for (i = 0; i < p->command.n; i++) {
        p->command.params[i].name = word_at(p, 1 + 2 * i);
        p->command.params[i].value = word_at(p, 2 + 2 * i);
    }
}


__attribute__((format(printf, 3, 4))) static enum ssi_event
fault(struct ssi_parser *p, enum state next, const char *fmt, ...)
{
    va_list args;
    int     n;

    if (p->fault_memory == NULL)
        p->fault_memory = arena_bytes(p->arena, FAULT_ROOM);
    va_start(args, fmt);
    n = vsnprintf(p->fault_memory, FAULT_ROOM, fmt, args);
    va_end(args);
    p->fault = (str_t){ p->fault_memory,
                        n < FAULT_ROOM ? (size_t) n : FAULT_ROOM - 1 };
    p->state = next;
    return SSI_FAULT;
}


/* A "-" is a part of the "-->" that ends the command. */
static enum state
after_fault(char c)
{
    return c == '-' ? FAULT_END : FAULT;
}


static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static enum ssi_event
read_name(struct ssi_parser *p, char c)
{
    if (p->state == BEFORE_NAME) {
        if (!is_blank(c)) {
            p->state = NAME;
            add(p, c);
        }
        return SSI_MORE;
    }
    if (is_blank(c) || c == '-') {
        end_word(p);
        p->state = c == '-' ? END : BEFORE_PARAM;
        return SSI_MORE;
    }
    add(p, c);
    if (last_word(p).n <= SSI_NAME_MAX)
        return SSI_MORE;
    return fault(p, FAULT, "the \"" STR_F "...\" SSI command is too long",
                 STR_A(last_word(p)));
}


static enum ssi_event
begin_param(struct ssi_parser *p, char c)
{
    if (is_blank(c))
        return SSI_MORE;
    if (c == '-') {
        p->state = END;
        return SSI_MORE;
    }
    if (p->n_ends == 1 + 2 * SSI_PARAMS_MAX)
        return fault(p, FAULT, "too many SSI command parameters: \"" STR_F "\"",
                     STR_A(word_at(p, 0)));
    p->state = PARAM;
    add(p, c);
    return SSI_MORE;
}


static enum ssi_event
fault_behind(struct ssi_parser *p, char c, str_t param)
{
    return fault(p, after_fault(c),
                 "unexpected \"%c\" symbol after \"" STR_F
                 "\" parameter in \"" STR_F "\" SSI command",
                 c, STR_A(param), STR_A(word_at(p, 0)));
}


static enum ssi_event
read_param(struct ssi_parser *p, char c)
{
    if (is_blank(c) || c == '=') {
        end_word(p);
        p->state = c == '=' ? BEFORE_VALUE : BEFORE_EQUAL;
        return SSI_MORE;
    }
    if (c == '-')
        return fault_behind(p, c, last_word(p));
    add(p, c);
    if (last_word(p).n <= SSI_NAME_MAX)
        return SSI_MORE;
    return fault(p, FAULT,
                 "too long \"" STR_F "...\" parameter in \"" STR_F
                 "\" SSI command",
                 STR_A(last_word(p)), STR_A(word_at(p, 0)));
}


static enum ssi_event
read_equal(struct ssi_parser *p, char c)
{
    if (c == '=')
        p->state = BEFORE_VALUE;
    else if (!is_blank(c))
        return fault_behind(p, c, word_at(p, p->n_ends - 1));
    return SSI_MORE;
}


static enum ssi_event
begin_value(struct ssi_parser *p, char c)
{
    if (c == '"' || c == '\'') {
        p->quote = c;
        p->state = VALUE;
    } else if (!is_blank(c)) {
        return fault(p, after_fault(c),
                     "unexpected \"%c\" symbol before value of \"" STR_F
                     "\" parameter in \"" STR_F "\" SSI command",
                     c, STR_A(word_at(p, p->n_ends - 1)), STR_A(word_at(p, 0)));
    }
    return SSI_MORE;
}


static enum ssi_event
read_value(struct ssi_parser *p, char c)
{
    if (p->state == VALUE && c == p->quote) {
        end_word(p);
        p->state = AFTER_VALUE;
        return SSI_MORE;
    }
    p->state = p->state == VALUE && c == '\\' ? ESCAPED : VALUE;
    add(p, c);
    if (last_word(p).n < p->value_max)
        return SSI_MORE;
    return fault(p, FAULT,
                 "too long \"" STR_F "...\" value of \"" STR_F
                 "\" parameter in \"" STR_F "\" SSI command",
                 STR_A(last_word(p)), STR_A(word_at(p, p->n_ends - 1)),
                 STR_A(word_at(p, 0)));
}


static enum ssi_event
read_after_value(struct ssi_parser *p, char c)
{
    if (is_blank(c))
        p->state = BEFORE_PARAM;
    else if (c == '-')
        p->state = END;
    else
        return fault(p, FAULT,
                     "unexpected \"%c\" symbol after \"" STR_F
                     "\" value of \"" STR_F "\" parameter in \"" STR_F
                     "\" SSI command",
                     c, STR_A(word_at(p, p->n_ends - 1)),
                     STR_A(word_at(p, p->n_ends - 2)), STR_A(word_at(p, 0)));
    return SSI_MORE;
}


static enum ssi_event
fault_at_end(struct ssi_parser *p, char c)
{
    return fault(p, FAULT,
                 "unexpected \"%c\" symbol in \"" STR_F "\" SSI command", c,
                 STR_A(word_at(p, 0)));
}


static enum ssi_event
read_end(struct ssi_parser *p, char c)
{
    if (c != (p->state == END ? '-' : '>'))
        return fault_at_end(p, c);
    if (p->state == END) {
        p->state = END2;
        return SSI_MORE;
    }
    p->state = TEXT;
    tell_command(p);
    return SSI_COMMAND;
}


/* Looks for "-->". */
static enum ssi_event
read_fault(struct ssi_parser *p, char c)
{
    if (p->state == FAULT) {
        p->state = after_fault(c);
    } else if (p->state == FAULT_END) {
        p->state = c == '-' ? FAULT_END2 : FAULT;
    } else if (c == '>') {
        p->state = TEXT;
        return SSI_BAD;
    } else if (c != '-') {
        p->state = FAULT;
    }
    return SSI_MORE;
}


static enum ssi_event
read_byte(struct ssi_parser *p, char c)
{
    switch ((enum state) p->state) {
    case BEFORE_NAME:
    case NAME:
        return read_name(p, c);
    case BEFORE_PARAM:
        return begin_param(p, c);
    case PARAM:
        return read_param(p, c);
    case BEFORE_EQUAL:
        return read_equal(p, c);
    case BEFORE_VALUE:
        return begin_value(p, c);
    case VALUE:
    case ESCAPED:
        return read_value(p, c);
    case AFTER_VALUE:
        return read_after_value(p, c);
    case END:
    case END2:
        return read_end(p, c);
    case FAULT:
    case FAULT_END:
    case FAULT_END2:
        return read_fault(p, c);
    case TEXT:
        break;
    }
    return SSI_MORE;
}


enum ssi_event
ssi_parse(struct ssi_parser *p, str_t *in)
{
    enum ssi_event event;

    while (in->n != 0) {
        if (p->state == TEXT) {
            event = read_text(p, in);
            if (event == SSI_TEXT && p->text.n == 0)
                continue;
            return event;
        }
        event = read_byte(p, in->p[0]);
        *in = str_from(*in, 1);
        if (event != SSI_MORE)
            return event;
    }
    return SSI_MORE;
}
