/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, read once per loop turn and cached, with the texts that every request
 * prints.  Durations are measured with the monotonic clock; the wall clock is
 * for display.
 */
#pragma once

#include <time.h>

#include "core/base/number.h"
#include "core/base/str.h"

/* Reads the clocks.  A text is formatted again only when it is used and the
 * second has changed. */
void clock_update(void);

/* The last update; zeroed: there was none. */
extern struct clock_read {
    msec_t   mono_ms;
    time_t   seconds;
    unsigned millisecond;
} clock_read;

static inline const struct clock_read *
clock_at_hand(void)
{
    if (clock_read.mono_ms == 0)
        clock_update();
    return &clock_read;
}

msec_t clock_fresh_ms(void); /* monotonic, read now                          */
static inline msec_t
clock_ms(void) /* monotonic, of the last update */
{
    return clock_at_hand()->mono_ms;
}
static inline time_t
clock_seconds(void) /* wall clock, of the last update */
{
    return clock_at_hand()->seconds;
}
static inline unsigned
clock_millisecond(void) /* 0-999 of that second */
{
    return clock_at_hand()->millisecond;
}

/* The time in the zone of this process, also as input for mktime.  A time that
 * has no date is replaced by the nearest one that has. */
struct tm clock_local(time_t at);

str_t clock_http(void);      /* Sun, 06 Nov 1994 08:49:37 GMT                */
str_t clock_error_log(void); /* 2026/11/22 03:57:16, local time              */
str_t clock_clf(void);       /* 28/Sep/1970:12:00:00 +0600, local time       */
str_t clock_iso8601(void);   /* 1970-09-28T12:00:00+06:00                    */
str_t clock_iso8601_ms(void); /* 1970-09-28T12:00:00.123+06:00               */
str_t clock_syslog(void);    /* Sep 28 12:00:00                              */
