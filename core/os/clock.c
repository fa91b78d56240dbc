/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks as last read, and the texts of the wall clock.  Each text is
 * formatted on its first use within a second, so a process formats a date at
 * most once a second, however many lines and responses contain it.  A text is
 * valid until the next clock_update.
 *
 * The state belongs to the process; only the thread of the loop may use it.
 */
#include "core/os/clock.h"

#include <stdio.h>

#include "core/base/date.h"

enum { TEXT_MAX = 40 };

struct text {
    time_t made; /* the second that it shows */
    size_t n;
    char   p[TEXT_MAX];
};

static struct {
    time_t      local_made;
    struct tm   local;
    struct text http, error_log, clf, iso8601, iso8601_ms, syslog;
} now;

struct clock_read clock_read;

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };


msec_t
clock_fresh_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (msec_t) ts.tv_sec * 1000 + (msec_t) ts.tv_nsec / 1000000;
}


void
clock_update(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    clock_read.seconds = ts.tv_sec;
    clock_read.millisecond = (unsigned) (ts.tv_nsec / 1000000);
    clock_read.mono_ms = clock_fresh_ms();
}


/* The only call that needs a calendar from the system, which knows the time
 * zone. */
struct tm
clock_local(time_t at)
{
    struct tm tm = { .tm_mday = 1 };

    if (at > DATE_LAST)
        at = DATE_LAST;
    if (at < -DATE_LAST)
        at = -DATE_LAST;
    localtime_r(&at, &tm);
    return tm;
}


/* True if t has to be formatted again; the local time has been updated
 * then. */
static bool
is_stale(struct text *t)
{
    time_t second = clock_seconds();

    if (t->n != 0 && t->made == second)
        return false;
    if (now.local_made != second) {
        now.local_made = second;
        now.local = clock_local(second);
    }
    t->made = second;
    return true;
}


static str_t
text_of(const struct text *t)
{
    return (str_t){ t->p, t->n };
}


/* snprintf returns the length of the untruncated text; years beyond 9999 do
 * not fit, and are cut. */
static void
set_length(struct text *t, int n)
{
    t->n = n < 0 ? 0 : n < TEXT_MAX ? (size_t) n : TEXT_MAX - 1;
}


str_t
clock_http(void)
{
    if (is_stale(&now.http)) {
        date_http(now.http.p, clock_read.seconds);
        now.http.n = DATE_LEN;
    }
    return text_of(&now.http);
}


str_t
clock_error_log(void)
{
    struct text *t = &now.error_log;
    struct tm   *l = &now.local;

    if (is_stale(t))
        set_length(t, snprintf(t->p, TEXT_MAX, "%4d/%02d/%02d %02d:%02d:%02d",
                               l->tm_year + 1900, l->tm_mon + 1, l->tm_mday,
                               l->tm_hour, l->tm_min, l->tm_sec));
    return text_of(t);
}


/* The zone's offset east of Greenwich: sign, hours, minutes. */
static char
zone(int *hours, int *minutes)
{
    long off = now.local.tm_gmtoff / 60;
    char sign = off < 0 ? '-' : '+';

    if (off < 0)
        off = -off;
    *hours = (int) (off / 60);
    *minutes = (int) (off % 60);
    return sign;
}


str_t
clock_clf(void)
{
    struct text *t = &now.clf;
    struct tm   *l = &now.local;
    int          h, m;
    char         sign;

    if (is_stale(t)) {
        sign = zone(&h, &m);
        set_length(t, snprintf(t->p, TEXT_MAX,
                               "%02d/%s/%d:%02d:%02d:%02d %c%02d%02d",
                               l->tm_mday, months[l->tm_mon], l->tm_year + 1900,
                               l->tm_hour, l->tm_min, l->tm_sec, sign, h, m));
    }
    return text_of(t);
}


str_t
clock_iso8601(void)
{
    struct text *t = &now.iso8601;
    struct tm   *l = &now.local;
    int          h, m;
    char         sign;

    if (is_stale(t)) {
        sign = zone(&h, &m);
        set_length(t, snprintf(t->p, TEXT_MAX,
                               "%4d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d",
                               l->tm_year + 1900, l->tm_mon + 1, l->tm_mday,
                               l->tm_hour, l->tm_min, l->tm_sec, sign, h, m));
    }
    return text_of(t);
}


/* The text of the second, with the milliseconds inserted before its zone. */
str_t
clock_iso8601_ms(void)
{
    str_t        s = clock_iso8601();
    struct text *t = &now.iso8601_ms;
    const char  *zone_at = s.p + s.n - sizeof("+00:00") + 1;
    size_t       n = (size_t) (zone_at - s.p);

    memcpy(t->p, s.p, n);
    t->p[n] = '.';
    t->p[n + 1] = (char) ('0' + clock_read.millisecond / 100);
    t->p[n + 2] = (char) ('0' + clock_read.millisecond / 10 % 10);
    t->p[n + 3] = (char) ('0' + clock_read.millisecond % 10);
    memcpy(t->p + n + 4, zone_at, s.n - n);
    t->n = s.n + 4;
    return text_of(t);
}


str_t
clock_syslog(void)
{
    struct text *t = &now.syslog;
    struct tm   *l = &now.local;

    if (is_stale(t))
        set_length(t, snprintf(t->p, TEXT_MAX, "%s %2d %02d:%02d:%02d",
                               months[l->tm_mon], l->tm_mday, l->tm_hour,
                               l->tm_min, l->tm_sec));
    return text_of(t);
}
