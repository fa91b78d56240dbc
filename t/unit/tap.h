/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a unit test needs to speak TAP to prove.  A test is a program:
 *
 *     #include "t/unit/tap.h"
 *
 *     int
 *     main(void)
 *     {
 *         plan(2);                         // or leave it out
 *         ok(1 + 1 == 2, "sums");
 *         is_str(str_of("a"), "a", "strings of %d byte", 1);
 *         return done();
 *     }
 *
 * Use is() and its kin where there are two values to compare: a check that
 * fails prints both on stderr.  Each check returns whether it held, so that
 * `if (!ok(...)) diag(...)` reads well.  Include it from the one file of the
 * program only.
 */
#pragma once

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/str.h"

static struct {
    unsigned run;
    unsigned failed;
    unsigned planned;
} tap;

/* A test that hangs is ended by SIGALRM. */
__attribute__((constructor)) static void
tap_limit_time(void)
{
    (void) alarm(600);
}

/* Says at the start how many checks will follow. */
#define plan(n) \
    (tap.planned = (n), (void) printf("1..%u\n", tap.planned), \
     (void) fflush(stdout))

/* Ends the program as passed, with the reason. */
#define skip_all(why) \
    do { \
        printf("1..0 # SKIP %s\n", why); \
        exit(0); \
    } while (0)

/* Prints a comment on stderr, where prove shows it. */
#define diag(...) \
    ((void) fprintf(stderr, "# "), (void) fprintf(stderr, __VA_ARGS__), \
     (void) fprintf(stderr, "\n"))

#define ok(cond, ...) \
    tap_check((cond), __FILE__, __LINE__, #cond, __VA_ARGS__)
#define pass(...) ok(true, __VA_ARGS__)
#define fail(...) ok(false, __VA_ARGS__)

/* Integers of any width, signed or not, up to 64 bits */
#define is(got, want, ...) \
    tap_is_int((intmax_t) (got), (intmax_t) (want), __FILE__, __LINE__, \
               __VA_ARGS__)
/* Pointers */
#define is_same(got, want, ...) \
    tap_is_same((got), (want), __FILE__, __LINE__, __VA_ARGS__)
/* C strings; NULL equals NULL only */
#define is_text(got, want, ...) \
    tap_is_text((got), (want), __FILE__, __LINE__, __VA_ARGS__)
/* Bytes: pointer and length, against pointer and length */
#define is_bytes(got, got_size, want, want_size, ...) \
    tap_is_bytes((got), (got_size), (want), (want_size), __FILE__, __LINE__, \
                 __VA_ARGS__)
/* A str_t against a C string */
#define is_str(got, want, ...) \
    tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)


static inline __attribute__((format(printf, 5, 0))) bool
tap_report(bool passed, const char *file, int line, const char *what,
           const char *format, va_list args)
{
    tap.run++;
    printf("%sok %u - ", passed ? "" : "not ", tap.run);
    vprintf(format, args);
    printf("\n");
    if (!passed) {
        tap.failed++;
        fflush(stdout);
        diag("  failed at %s:%d%s%s", file, line, *what ? ": " : "", what);
    }
    fflush(stdout);
    return passed;
}


static inline __attribute__((format(printf, 5, 6))) bool
tap_check(bool passed, const char *file, int line, const char *what,
          const char *format, ...)
{
    va_list args;

    va_start(args, format);
    passed = tap_report(passed, file, line, what, format, args);
    va_end(args);
    return passed;
}


static inline __attribute__((format(printf, 5, 6))) bool
tap_is_int(intmax_t got, intmax_t want, const char *file, int line,
           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_report(got == want, file, line, "", format, args);
    va_end(args);
    if (got != want) {
        diag("       got: %" PRIdMAX, got);
        diag("  expected: %" PRIdMAX, want);
    }
    return got == want;
}


static inline __attribute__((format(printf, 5, 6))) bool
tap_is_same(const void *got, const void *want, const char *file, int line,
            const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_report(got == want, file, line, "", format, args);
    va_end(args);
    if (got != want) {
        diag("       got: %p", got);
        diag("  expected: %p", want);
    }
    return got == want;
}


static inline __attribute__((format(printf, 5, 6))) bool
tap_is_text(const char *got, const char *want, const char *file, int line,
            const char *format, ...)
{
    va_list args;
    bool    same;

    same = got && want ? strcmp(got, want) == 0 : got == want;
    va_start(args, format);
    tap_report(same, file, line, "", format, args);
    va_end(args);
    if (!same) {
        diag("       got: \"%s\"", got ? got : "(null)");
        diag("  expected: \"%s\"", want ? want : "(null)");
    }
    return same;
}


/* Prints bytes on one line, those that do not print as \xHH. */
static inline void
tap_bytes(const char *label, const void *data, size_t size)
{
    const unsigned char *p = data;

    fprintf(stderr, "# %10s: (%zu) \"", label, size);
    for (size_t i = 0; i < size; i++) {
        if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '"' || p[i] == '\\')
            fprintf(stderr, "\\x%02x", p[i]);
        else
            fputc(p[i], stderr);
    }
    fprintf(stderr, "\"\n");
}


/* Compares, reports, and shows both where they differ. */
static inline __attribute__((format(printf, 5, 0))) bool
tap_compare(str_t got, str_t want, const char *file, int line,
            const char *format, va_list args)
{
    bool same = str_eq(got, want);

    tap_report(same, file, line, "", format, args);
    if (!same) {
        tap_bytes("got", got.p, got.n);
        tap_bytes("expected", want.p, want.n);
    }
    return same;
}


static inline __attribute__((format(printf, 7, 8))) bool
tap_is_bytes(const void *got, size_t got_size, const void *want,
             size_t want_size, const char *file, int line, const char *format,
             ...)
{
    va_list args;
    bool    same;

    va_start(args, format);
    same = tap_compare((str_t){ got, got_size }, (str_t){ want, want_size },
                       file, line, format, args);
    va_end(args);
    return same;
}


static inline __attribute__((format(printf, 5, 6))) bool
tap_is_str(str_t got, const char *want, const char *file, int line,
           const char *format, ...)
{
    va_list args;
    bool    same;

    va_start(args, format);
    same = tap_compare(got, str_of(want), file, line, format, args);
    va_end(args);
    return same;
}


/* The plan, where none was given, and the program's exit code. */
static inline int
done(void)
{
    if (tap.planned == 0)
        printf("1..%u\n", tap.run);
    else if (tap.planned != tap.run)
        diag("planned %u checks but ran %u", tap.planned, tap.run);
    if (tap.failed != 0)
        diag("%u of %u failed", tap.failed, tap.run);
    fflush(stdout);
    return tap.failed != 0 || (tap.planned != 0 && tap.planned != tap.run);
}
