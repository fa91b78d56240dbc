/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates as HTTP writes them (RFC 9110 section 5.6.7).
 */
#pragma once

#include <time.h>

#include "core/base/str.h"

/* A moment on the calendar, UTC. */
struct date {
    unsigned year, month, day; /* from 1, both                               */
    unsigned hour, minute, second;
    unsigned weekday; /* 0: Sunday                                           */
};

/* The last second that four digits of a year can name. */
#define DATE_LAST 253402300799

/* The nearest time from 1970 to DATE_LAST: file times can be outside of it. */
time_t date_clamp(time_t at);

/* The calendar date and time of date_clamp(at). */
struct date date_at(time_t at);

/* "Jan" to "Dec", by a month from 1; three bytes. */
str_t date_month_name(unsigned month);

enum { DATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes DATE_LEN bytes, no NUL. */
void date_http(char *out, time_t at);

/* "Thu, 31-Dec-37 23:55:55 GMT" as cookies have it, and the year in four
 * digits after 2037; returns the length, 27 or 29. */
size_t date_cookie(char *out, time_t at);

/* Any of the three formats of RFC 9110; -1 where it is none of them or before
 * 1970.  The day of the week and what follows the last number do not matter,
 * and two-digit years are those from 1970 to 2069. */
time_t date_parse(str_t s);

/* Whether s, which date_parse has read as at, is what date_http writes. */
bool date_is_exact(str_t s, time_t at);
