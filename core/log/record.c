/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formats lines of the error log, in both forms.  A line that is too long is
 * shortened: text at its end; an object by cutting values or omitting whole
 * fields, which "truncated": true indicates, so that it stays valid JSON.
 */
#include "core/log/record.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/number.h"
#include "core/os/clock.h"

enum {
    ERRNO_ROOM = 50, /* reserved for " (errno: text)" after a long text */
    ERRNO_TEXT = 128,
    JSON_END = 24, /* reserved for ,"truncated":true} and the newline */
};


static size_t
room_of(const struct log_record *l)
{
    return (size_t) (l->last - l->p);
}


static void
put(struct log_record *l, const char *s, size_t n)
{
    if (n > room_of(l))
        n = room_of(l);
    memcpy(l->p, s, n);
    l->p += n;
}


static void
put_z(struct log_record *l, const char *s)
{
    put(l, s, strlen(s));
}


static void
put_number(struct log_record *l, uint64_t n)
{
    char digits[20];

    put(l, digits, number_put(digits, n));
}


static bool
is_control(char c)
{
    return (unsigned char) c < 0x20 || c == 0x7f;
}


static void put_escapes(struct log_record *l, char *from)
    __attribute__((noinline));


/* Rewrites the text since from with control bytes as \x0A, so that a client
 * can neither begin a line nor send escape sequences to a terminal. */
static void
put_escapes(struct log_record *l, char *from)
{
    char   raw[LOG_LINE_MAX] UNSET;
    char   hex[4] = { '\\', 'x' };
    size_t n = (size_t) (l->p - from);

    memcpy(raw, from, n);
    l->p = from;
    for (size_t i = 0; i < n; i++) {
        if (!is_control(raw[i])) {
            put(l, raw + i, 1);
            continue;
        }
        number_put_byte(hex + 2, raw[i], true);
        if (room_of(l) < sizeof(hex))
            return;
        put(l, hex, sizeof(hex));
    }
}


/* Takes out of n bytes what follows the first line of a private key, which a
 * variable may have: up to the end, or to a quote, as what a client has named like
 * one must not hide what the line says of it.  How many are left. */
static size_t
hide_keys(char *p, size_t n)
{
    static const char mark[] = "PRIVATE KEY-----";
    char             *end = p + n, *at = p, *quote;

    while ((at = memmem(at, (size_t) (end - at), mark, sizeof(mark) - 1))
           != NULL) {
        at += sizeof(mark) - 1;
        quote = memchr(at, '"', (size_t) (end - at));
        if (quote == NULL)
            return (size_t) (at - p);
        memmove(at, quote, (size_t) (end - quote));
        end -= quote - at;
    }
    return (size_t) (end - p);
}


static void put_format(struct log_record *l, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));


static void
put_format(struct log_record *l, const char *fmt, va_list args)
{
    size_t room = room_of(l);
    char  *from = l->p;
    int    printed = vsnprintf(l->p, room + 1, fmt, args);
    size_t n = printed > 0 ? (size_t) printed : 0;

    l->p += hide_keys(l->p, n < room ? n : room);
    if (l->is_raw)
        return;
    for (char *p = from; p < l->p; p++) {
        if (is_control(*p)) {
            put_escapes(l, from);
            return;
        }
    }
}


/* --- text ------------------------------------------------------------------ */

static void
put_head(struct log_record *l, enum log_level level)
{
    str_t date = clock_error_log();

    put(l, date.p, date.n);
    put_z(l, " [");
    put_z(l, log_level_name(level));
    put_z(l, "] ");
    put_number(l, (uint64_t) getpid());
    put_z(l, "#");
    put_number(l, (uint64_t) gettid());
    put_z(l, ": ");
}


static void
put_errno(struct log_record *l, int errnum)
{
    char        room[ERRNO_TEXT];
    const char *text = strerror_r(errnum, room, sizeof(room));

    if (l->p > l->last - ERRNO_ROOM) {
        l->p = l->last - ERRNO_ROOM;
        put_z(l, "...");
    }
    put_z(l, " (");
    put_number(l, (uint64_t) errnum);
    put_z(l, ": ");
    put_z(l, text);
    put_z(l, ")");
}


/* The outermost frame first. */
static void
put_frames(struct log_record *l, const struct log_frame *f)
{
    if (f == NULL)
        return;
    put_frames(l, f->up);
    f->write(f, l);
}


str_t
record_text(struct log_record *l, char *room, const struct log *log,
            enum log_level level, int errnum, const char *fmt, va_list args)
{
    *l = (struct log_record){ .p = room,
                              .last = room + LOG_LINE_MAX - 1,
                              .is_raw = level == LEVEL_STDERR };
    if (level != LEVEL_STDERR)
        put_head(l, level);
    l->text = l->p;
    if (log->serial != 0) {
        put_z(l, "*");
        put_number(l, log->serial);
        put_z(l, " ");
        l->text = l->p;
    }
    put_format(l, fmt, args);
    if (errnum != 0)
        put_errno(l, errnum);
    if (level != LEVEL_DEBUG && log->action != NULL) {
        put_z(l, " while ");
        put_z(l, log->action);
    }
    if (level != LEVEL_DEBUG)
        put_frames(l, log->frames);
    *l->p++ = '\n';
    return str_span(room, l->p);
}


/* --- JSON ------------------------------------------------------------------- */

/* Starts a field whose value needs at least least bytes; false: no room. */
static bool
put_key(struct log_record *l, const char *name, size_t least)
{
    if (room_of(l) < strlen(name) + least + sizeof(",\"\":")) {
        l->is_cut = true;
        return false;
    }
    if (l->p[-1] != '{')
        put_z(l, ",");
    put_z(l, "\"");
    put_z(l, name);
    put_z(l, "\":");
    return true;
}


/* Puts whole characters only, and reserves a byte for the closing quote. */
static void
put_escaped(struct log_record *l, str_t s)
{
    while (s.n != 0) {
        size_t n = json_plain(s), room = room_of(l) - 1;

        if (n > room) {
            while (room != 0 && ((unsigned char) s.p[room] & 0xC0) == 0x80)
                room--;
            n = room;
        }
        put(l, s.p, n);
        s = str_from(s, n);
        if (s.n == 0)
            return;
        if (json_plain(s) != 0 || room_of(l) - 1 < JSON_ESCAPE) {
            l->is_cut = true;
            return;
        }
        l->p += json_escape(&s, l->p);
    }
}


static void
put_string(struct log_record *l, const char *name, str_t value)
{
    if (!put_key(l, name, sizeof("\"\"")))
        return;
    put_z(l, "\"");
    put_escaped(l, value);
    put_z(l, "\"");
}


static void
put_integer(struct log_record *l, const char *name, uint64_t value)
{
    char digits[20];

    if (put_key(l, name, sizeof(digits)))
        put(l, digits, number_put(digits, value));
}


/* The length without the last character, if that is cut off. */
static size_t
cut_character(const char *p, size_t n)
{
    size_t i = n;

    while (i > 1 && n - i < 3 && ((unsigned char) p[i - 1] & 0xC0) == 0x80)
        i--;
    return (unsigned char) p[i - 1] >= 0xC0 ? i - 1 : n;
}


static void put_formatted(struct log_record *l, const char *name,
                          const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));


static void
put_formatted(struct log_record *l, const char *name, const char *fmt,
              va_list args)
{
    char   value[LOG_LINE_MAX];
    int    printed = vsnprintf(value, sizeof(value), fmt, args);
    size_t n = printed > 0 ? (size_t) printed : 0;

    if (n >= sizeof(value)) {
        n = cut_character(value, sizeof(value) - 1);
        l->is_cut = true;
    }
    put_string(l, name, (str_t){ value, hide_keys(value, n) });
}


str_t
record_json(char *room, const struct log *log, enum log_level level, int errnum,
            const char *fmt, va_list args)
{
    struct log_record l = { .p = room,
                            .last = room + LOG_JSON_MAX - JSON_END,
                            .is_json = true };
    char              text[ERRNO_TEXT];

    *l.p++ = '{';
    put_string(&l, "time", clock_iso8601_ms());
    put_string(&l, "level", str_of(log_level_name(level)));
    put_integer(&l, "pid", (uint64_t) getpid());
    put_integer(&l, "tid", (uint64_t) gettid());
    if (log->serial != 0)
        put_integer(&l, "connection", log->serial);
    put_formatted(&l, "message", fmt, args);
    if (errnum != 0) {
        put_integer(&l, "errno", (uint64_t) errnum);
        put_string(&l, "error", str_of(strerror_r(errnum, text, sizeof(text))));
    }
    if (level != LEVEL_DEBUG && log->action != NULL)
        put_string(&l, "action", str_of(log->action));
    if (level != LEVEL_DEBUG)
        put_frames(&l, log->frames);
    l.last += JSON_END;
    put_z(&l, l.is_cut ? ",\"truncated\":true}\n" : "}\n");
    return str_span(room, l.p);
}


/* --- parts of the context ----------------------------------------------------- */

static void add_part(struct log_record *l, const char *name, const char *quote,
                     const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));


static void
add_part(struct log_record *l, const char *name, const char *quote,
         const char *fmt, va_list args)
{
    if (l->is_json) {
        put_formatted(l, name, fmt, args);
        return;
    }
    put_z(l, ", ");
    put_z(l, name);
    put_z(l, ": ");
    put_z(l, quote);
    put_format(l, fmt, args);
    put_z(l, quote);
}


bool
log_is_object(const struct log_record *l)
{
    return l->is_json;
}


void
log_part(struct log_record *l, const char *name, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_part(l, name, "", fmt, args);
    va_end(args);
}


void
log_hint(struct log_record *l, const char *name, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (l->is_json) {
        put_formatted(l, name, fmt, args);
    } else {
        put_z(l, " (");
        put_format(l, fmt, args);
        put_z(l, ")");
    }
    va_end(args);
}


void
log_part_quoted(struct log_record *l, const char *name, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_part(l, name, "\"", fmt, args);
    va_end(args);
}
