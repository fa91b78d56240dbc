/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes into the logs: no escaped text holds a byte that could end the
 * line or the string that it stands in, and text without such bytes is left
 * as it is.  Strings of JSON logs are UTF-8 and say, read back, what was
 * written; a line of the error log as JSON is an object however long its
 * parts are, and cuts no character; as text it is one line, with the parts in
 * their order and the end cut where there is no room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/escape.h"
#include "core/base/json.h"
#include "core/log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static bool
is_plain(str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char) s.p[i];

        if (c < 32 || c > 126 || c == '"' || c == '\\')
            return false;
    }
    return true;
}


static void
check_default(struct arena *a, str_t in)
{
    str_t out = escape_log(a, in);

    CHECK(is_plain(in) == str_eq(in, out));
    CHECK(str_chr(out, '"') == NULL);
    for (size_t i = 0; i < out.n; i++) {
        CHECK((unsigned char) out.p[i] >= 32);
        CHECK((unsigned char) out.p[i] <= 126);
        if (out.p[i] == '\\')
            CHECK(i + 3 < out.n && out.p[i + 1] == 'x');
    }
}


static void
check_json(struct arena *a, str_t in)
{
    str_t out = escape_json(a, in);

    for (size_t i = 0; i < out.n; i++) {
        CHECK((unsigned char) out.p[i] >= 32);
        CHECK(out.p[i] != '"');
        if (out.p[i] == '\\') {
            CHECK(i + 1 < out.n);
            CHECK(strchr("\"\\nrtbfu", out.p[i + 1]) != NULL);
            i++;
        }
    }
}


/* The length of the UTF-8 character at p, found another way than json.c does:
 * by decoding it; 0: not valid. */
static size_t
decode(const unsigned char *p, size_t n, uint32_t *c)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t                size = p[0] < 0x80    ? 1
                                 : p[0] >= 0xF0 ? 4
                                 : p[0] >= 0xE0 ? 3
                                 : p[0] >= 0xC0 ? 2
                                                : 0;

    if (size == 0 || size > n || p[0] >= 0xF8)
        return 0;
    *c = size == 1 ? p[0] : p[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        *c = *c << 6 | (p[i] & 0x3F);
    }
    if (*c < least[size] || *c > 0x10FFFF || (*c >= 0xD800 && *c < 0xE000))
        return 0;
    return size;
}


/* Takes the character off a text, bytes that are none being those of their
 * number. */
static uint32_t
next_raw(str_t *s)
{
    uint32_t c = (unsigned char) s->p[0];
    size_t   n = decode((const unsigned char *) s->p, s->n, &c);

    if (n == 0)
        c = (unsigned char) s->p[0];
    *s = str_from(*s, n ? n : 1);
    return c;
}


/* Takes the character off the inside of a JSON string, as a strict reader
 * does. */
static uint32_t
next_json(str_t *s)
{
    static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";
    uint32_t          c;
    size_t            n = decode((const unsigned char *) s->p, s->n, &c);
    const char       *letter;
    char              digits[5] = "";

    CHECK(n != 0 && c >= 32 && c != '"' && (c < 127 || c > 159));
    *s = str_from(*s, n);
    if (c != '\\')
        return c;
    CHECK(s->n >= 1);
    letter = strchr(from, s->p[0]);
    if (letter != NULL && s->p[0] != '\0') {
        *s = str_from(*s, 1);
        return (unsigned char) to[letter - from];
    }
    CHECK(s->n >= 5 && s->p[0] == 'u');
    memcpy(digits, s->p + 1, 4);
    *s = str_from(*s, 5);
    return (uint32_t) strtoul(digits, NULL, 16);
}


static str_t
escape(struct arena *a, str_t s)
{
    char *start = arena_bytes(a, s.n * JSON_ESCAPE + 1), *p = start;

    while (s.n != 0) {
        size_t n = json_plain(s);

        memcpy(p, s.p, n);
        p += n;
        s = str_from(s, n);
        if (s.n != 0) {
            CHECK(json_plain(s) == 0);
            p += json_escape(&s, p);
        }
    }
    return str_span(start, p);
}


static void
check_json_text(struct arena *a, str_t in)
{
    str_t out = escape(a, in);

    CHECK(!is_plain(in) || str_eq(in, out));
    while (in.n != 0) {
        CHECK(out.n != 0);
        CHECK(next_raw(&in) == next_json(&out));
    }
    CHECK(out.n == 0);
}


/* --- a line of the error log ---------------------------------------------------- */

struct parts {
    struct log_frame frame;
    str_t            text;
};


static void
write_parts(const struct log_frame *f, struct log_record *l)
{
    str_t text = container_of(f, const struct parts, frame)->text;

    log_part(l, "server", STR_F, STR_A(text));
    log_part_quoted(l, "request", STR_F, STR_A(text));
}


/* What the lines of one form go to. */
struct sink {
    struct log_file    file;
    struct log_target *at[1];
    struct log_targets targets;
    int                fd; /* where they are read                            */
};

static struct sink   json, text;
static struct arena *kept; /* of both */


static void
open_log(struct sink *s, bool is_json)
{
    const char *error;
    int         ends[2];

    CHECK(pipe(ends) == 0);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    s->fd = ends[0];
    s->file.fd = ends[1];
    s->at[0] = log_target_new(kept, STR("/x"), &s->file, LEVEL_INFO, &error);
    s->targets = (struct log_targets){ LEVEL_INFO, 1, s->at };
    if (is_json)
        log_target_set_json(s->at[0]);
}


static void
skip_string(str_t *s)
{
    CHECK(s->n != 0 && s->p[0] == '"');
    *s = str_from(*s, 1);
    while (s->n != 0 && s->p[0] != '"')
        (void) next_json(s);
    CHECK(s->n != 0);
    *s = str_from(*s, 1);
}


/* A string, a number or true. */
static void
skip_value(str_t *s)
{
    CHECK(s->n != 0);
    if (s->p[0] == '"') {
        skip_string(s);
    } else if (str_starts(*s, STR("true"))) {
        *s = str_from(*s, 4);
    } else {
        CHECK(s->p[0] >= '0' && s->p[0] <= '9');
        while (s->n != 0 && s->p[0] >= '0' && s->p[0] <= '9')
            *s = str_from(*s, 1);
    }
}


static void
check_object(str_t line)
{
    CHECK(line.n > 2 && line.p[0] == '{');
    do {
        line = str_from(line, 1);
        skip_string(&line);
        CHECK(line.n != 0 && line.p[0] == ':');
        line = str_from(line, 1);
        skip_value(&line);
        CHECK(line.n != 0);
    } while (line.p[0] == ',');
    CHECK(str_is(line, "}\n"));
}


/* Control bytes as \x0A, up to the NUL that ends it for printf. */
static str_t
printed(struct arena *a, str_t s)
{
    char *start = arena_bytes(a, 4 * s.n + 1), *p = start;

    for (size_t i = 0; i < s.n && s.p[i] != '\0'; i++) {
        unsigned char c = (unsigned char) s.p[i];

        if (c < 32 || c == 127)
            p += sprintf(p, "\\x%02X", c);
        else
            *p++ = s.p[i];
    }
    return str_span(start, p);
}


/* The line behind its date and process, of which before bytes stand in front,
 * were there room for all of it.  An error is told behind any message. */
static str_t
whole_line(struct arena *a, str_t in, bool has_errno, size_t before)
{
    str_t  out = printed(a, in), message = out;
    size_t kept_room = 50, room = LOG_LINE_MAX - 1 - before - kept_room;

    if (has_errno && message.n > room)
        message = str_join(a, (str_t){ out.p, room }, STR("..."));
    return arena_printf(
        a, STR_F "%s while testing, server: " STR_F ", request: \"" STR_F "\"",
        STR_A(message), has_errno ? " (2: No such file or directory)" : "",
        STR_A(out), STR_A(out));
}


static void
check_text(struct arena *a, str_t line, str_t in, bool has_errno)
{
    const char *start = str_find(line, STR(": *7 "));
    size_t      before, n = 0;
    str_t       whole;

    CHECK(start != NULL && line.n <= LOG_LINE_MAX);
    before = (size_t) (start - line.p) + STR(": *7 ").n;
    CHECK(str_find((str_t){ line.p, before }, STR(" [error] ")) != NULL);
    CHECK(line.p[line.n - 1] == '\n');
    line.n--;
    for (size_t i = 0; i < line.n; i++)
        CHECK((unsigned char) line.p[i] >= 32 && line.p[i] != 127);
    whole = whole_line(a, in, has_errno, before);
    line = str_from(line, before);
    while (n < line.n && n < whole.n && line.p[n] == whole.p[n])
        n++;
    /* Where an escape has no room, what follows may begin in its place. */
    CHECK(line.n - n < 4);
    CHECK(n == whole.n || before + line.n + 4 >= LOG_LINE_MAX - 1);
}


/* Writes the text as message and parts; the line as it was written. */
static str_t
write_line(struct arena *a, struct sink *s, str_t in, bool has_errno)
{
    struct parts parts = { { NULL, write_parts }, in };
    struct log   log
        = { .targets = &s->targets, .serial = 7, .action = "testing" };
    size_t  room = 8 * (size_t) LOG_LINE_MAX;
    char   *line = arena_bytes(a, room);
    ssize_t n;

    log_push(&log, &parts.frame);
    log_errno(&log, has_errno ? ENOENT : 0, STR_F, STR_A(in));
    n = read(s->fd, line, room);
    CHECK(n > 0 && n <= 4 * LOG_LINE_MAX);
    return (str_t){ line, (size_t) n };
}


static void
check_error_log(struct arena *a, str_t in)
{
    bool has_errno = in.n % 2;

    if (kept == NULL) {
        log_to_stderr = false;
        kept = arena_new(0);
        open_log(&json, true);
        open_log(&text, false);
    }
    check_object(write_line(a, &json, in, has_errno));
    check_text(a, write_line(a, &text, in, has_errno), in, has_errno);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data, size };

    check_default(a, in);
    check_json(a, in);
    check_json_text(a, in);
    check_error_log(a, in);
    arena_free(a);
    return 0;
}
