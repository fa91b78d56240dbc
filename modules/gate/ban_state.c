/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the file of bans.
 */
#include "modules/gate/ban_state.h"

#include "core/base/number.h"

#define MAGIC "weir-bans 1"

/* A key that has LIMIT_KEY_MAX bytes may be longer: a digest. */
enum { N_MAX = LIMIT_KEY_MAX + 1 };


static size_t
bytes_of(uint64_t n)
{
    return n < LIMIT_KEY_MAX ? (size_t) n : LIMIT_KEY_MAX;
}


static char *
put_number(char *p, uint64_t n, char end)
{
    p += number_put(p, n);
    *p++ = end;
    return p;
}


char *
ban_state_put_head(char *p, const struct ban_head *h)
{
    memcpy(p, MAGIC " ", strlen(MAGIC " "));
    p = put_number(p + strlen(MAGIC " "), h->epoch, ' ');
    return put_number(p, h->kind, '\n');
}


char *
ban_state_put(char *p, const struct ban_line *l)
{
    p = put_number(p, l->until, ' ');
    p = put_number(p, l->key.n, ' ');
    for (size_t i = 0; i < bytes_of(l->key.n); i++)
        p = number_put_byte(p, l->key.bytes[i], false);
    *p++ = '\n';
    return p;
}


/* Without its end; a line that has none is the last one, and was cut off. */
static bool
cut_line(str_t *rest, str_t *line)
{
    bool is_whole = str_chr(*rest, '\n') != NULL;

    *line = str_cut(rest, '\n');
    return is_whole;
}


bool
ban_state_head(str_t *rest, struct ban_head *out)
{
    str_t    line;
    uint64_t kind;

    if (!cut_line(rest, &line) || !str_starts(line, STR(MAGIC " ")))
        return false;
    line = str_from(line, strlen(MAGIC " "));
    if (!number_parse(str_cut(&line, ' '), INT64_MAX, &out->epoch)
        || !number_parse(line, UINT32_MAX, &kind))
        return false;
    out->kind = (uint32_t) kind;
    return true;
}


bool
ban_state_line(str_t *rest, struct ban_line *out)
{
    str_t    line;
    uint64_t n;
    int      byte;

    if (!cut_line(rest, &line))
        return false;
    if (!number_parse(str_cut(&line, ' '), INT64_MAX, &out->until)
        || !number_parse(str_cut(&line, ' '), N_MAX, &n) || n == 0
        || line.n != 2 * bytes_of(n))
        return false;
    out->key = (struct limit_key){ .n = (uint8_t) n };
    for (size_t i = 0; i < bytes_of(n); i++) {
        byte = number_hex_byte(line.p + 2 * i);
        if (byte == -1)
            return false;
        out->key.bytes[i] = (char) byte;
    }
    return true;
}
