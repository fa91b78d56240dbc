/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP dates, by arithmetic on the proleptic Gregorian calendar: no time
 * zones, no locale, no C library state.
 */
#include "core/base/date.h"

#include "core/base/number.h"

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";


/* Days from 1970-01-01.  Years are counted from March, so that the leap day
 * comes last, and in eras of 400 years, which are all alike. */
static int64_t
days_from(int64_t year, unsigned month, unsigned day)
{
    int64_t  era, y = month <= 2 ? year - 1 : year;
    unsigned of_era, of_year;

    era = (y >= 0 ? y : y - 399) / 400;
    of_era = (unsigned) (y - era * 400);
    of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097
           + (int64_t) (of_era * 365 + of_era / 4 - of_era / 100 + of_year)
           - 719468;
}


time_t
date_clamp(time_t at)
{
    return at < 0 ? 0 : at > DATE_LAST ? DATE_LAST : at;
}


/* The inverse, with a multiplication in the place of most divisions: those that
 * Neri and Schneider found for calendars of this kind ("Euclidean affine
 * functions and their application to calendar algorithms", 2022).  The upper
 * half of a product is a quotient, the lower half what remains. */
struct date
date_at(time_t at)
{
    enum { ERA_SHIFT = 719468, YEAR = 2939745, MONTH = 2141 };
    uint64_t    since = (uint64_t) date_clamp(at);
    unsigned    days = (unsigned) (since / 86400);
    unsigned    seconds = (unsigned) (since - (uint64_t) days * 86400);
    unsigned    quarters = 4 * (days + ERA_SHIFT) + 3; /* of days           */
    unsigned    century = quarters / 146097, of_year, months;
    uint64_t    years = (uint64_t) YEAR * (quarters % 146097 | 3);
    bool        is_next; /* January or February                             */
    struct date d;

    d.hour = seconds / 3600;
    d.minute = seconds / 60 % 60;
    d.second = seconds % 60;
    d.weekday = (days + 4) % 7;

    of_year = (unsigned) years / YEAR / 4;
    months = MONTH * of_year + 197913;
    is_next = of_year >= 306;
    d.day = (months & 0xffff) / MONTH + 1;
    d.month = (months >> 16) - (is_next ? 12 : 0);
    d.year = century * 100 + (unsigned) (years >> 32) + is_next;
    return d;
}


str_t
date_month_name(unsigned month)
{
    return (str_t){ month_names + 3 * (month - 1), 3 };
}


static char *
put_text(char *out, const char *text, size_t n)
{
    memcpy(out, text, n);
    return out + n;
}


/* "Sun, 06 Nov " or, with another separator, "Sun, 06-Nov-" */
static char *
put_day(char *out, const struct date *d, char sep)
{
    out = put_text(out, day_names + 3 * d->weekday, 3);
    out = put_text(out, ", ", 2);
    out = number_put_two(out, d->day);
    *out++ = sep;
    out = put_text(out, month_names + 3 * (d->month - 1), 3);
    *out++ = sep;
    return out;
}


/* " 08:49:37 GMT" */
static char *
put_time(char *out, const struct date *d)
{
    *out++ = ' ';
    out = number_put_two(out, d->hour);
    *out++ = ':';
    out = number_put_two(out, d->minute);
    *out++ = ':';
    out = number_put_two(out, d->second);
    return put_text(out, " GMT", 4);
}


void
date_http(char *out, time_t at)
{
    struct date d = date_at(at);

    out = put_day(out, &d, ' ');
    out = number_put_two(out, d.year / 100);
    out = number_put_two(out, d.year);
    put_time(out, &d);
}


size_t
date_cookie(char *out, time_t at)
{
    struct date d = date_at(at);
    char       *start = out;

    out = put_day(out, &d, '-');
    if (d.year > 2037)
        out = number_put_two(out, d.year / 100);
    out = number_put_two(out, d.year);
    return (size_t) (put_time(out, &d) - start);
}


bool
date_is_exact(str_t s, time_t at)
{
    static const str_t zone = STR_INIT(" GMT");
    const char        *day = day_names + 3 * ((at / 86400 + 4) % 7);

    return s.n == DATE_LEN && memcmp(s.p, day, 3) == 0 && s.p[3] == ','
           && s.p[4] == ' ' && s.p[5] != ' ' && s.p[7] == ' '
           && str_eq(str_from(s, DATE_LEN - zone.n), zone);
}


/* Takes c off the start of *s. */
static bool
cut_char(str_t *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}


/* Takes a number of so many digits off the start of *s. */
static bool
cut_number(str_t *s, size_t digits, unsigned *out)
{
    unsigned n = 0;
    size_t   i;

    if (s->n < digits)
        return false;
    for (i = 0; i < digits; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        n = n * 10 + (unsigned) (s->p[i] - '0');
    }
    *s = str_from(*s, digits);
    *out = n;
    return true;
}


static bool
cut_month(str_t *s, unsigned *out)
{
    unsigned i;

    for (i = 0; i < 12; i++) {
        if (str_starts(*s, date_month_name(i + 1))) {
            *s = str_from(*s, 3);
            *out = i + 1;
            return true;
        }
    }
    return false;
}


static bool
cut_time(str_t *s, struct date *d)
{
    return cut_number(s, 2, &d->hour) && cut_char(s, ':')
           && cut_number(s, 2, &d->minute) && cut_char(s, ':')
           && cut_number(s, 2, &d->second);
}


/* "Nov  6 08:49:37 1994" */
static bool
cut_asctime(str_t *s, struct date *d)
{
    if (!cut_month(s, &d->month) || !cut_char(s, ' '))
        return false;
    cut_char(s, ' ');
    return (cut_number(s, 2, &d->day) || cut_number(s, 1, &d->day))
           && cut_char(s, ' ') && cut_time(s, d) && cut_char(s, ' ')
           && cut_number(s, 4, &d->year);
}


/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT" */
static bool
cut_rfc(str_t *s, struct date *d)
{
    bool is_short;

    if (!cut_number(s, 2, &d->day))
        return false;
    is_short = cut_char(s, '-');
    if ((!is_short && !cut_char(s, ' ')) || !cut_month(s, &d->month)
        || !cut_char(s, is_short ? '-' : ' ')
        || !cut_number(s, is_short ? 2 : 4, &d->year))
        return false;
    if (is_short)
        d->year += d->year < 70 ? 2000 : 1900;
    return cut_char(s, ' ') && cut_time(s, d);
}


static bool
is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}


static bool
is_sound(const struct date *d)
{
    unsigned days = 31;

    if (d->month == 2)
        days = is_leap(d->year) ? 29 : 28;
    else if (d->month == 4 || d->month == 6 || d->month == 9 || d->month == 11)
        days = 30;
    return d->day >= 1 && d->day <= days && d->hour <= 23 && d->minute <= 59
           && d->second <= 59 && d->year >= 1970;
}


/* A number of two digits; 100 or more: those are none. */
static unsigned
two_at(const char *p)
{
    unsigned tens = (unsigned char) p[0] - (unsigned) '0';
    unsigned ones = (unsigned char) p[1] - (unsigned) '0';

    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}


static unsigned
month_at(const char *p)
{
    const char *name = month_names;
    unsigned    month = 1;

    while (month <= 12
           && (p[0] != name[0] || p[1] != name[1] || p[2] != name[2])) {
        month++;
        name += 3;
    }
    return month;
}


/* "Sun, 06 Nov 1994 08:49:37 GMT", which nearly all of them are: each part is
 * where it is expected.  False: it may be another form. */
static bool
read_usual(str_t s, struct date *d)
{
    const char *p = s.p;
    unsigned    century, year;

    if (s.n != DATE_LEN || p[0] <= ',' || p[1] <= ',' || p[2] <= ','
        || p[3] != ',' || p[4] != ' ' || p[7] != ' ' || p[11] != ' '
        || p[16] != ' ' || p[19] != ':' || p[22] != ':')
        return false;
    d->day = two_at(p + 5);
    d->month = month_at(p + 8);
    century = two_at(p + 12);
    year = two_at(p + 14);
    d->year = century * 100 + year;
    d->hour = two_at(p + 17);
    d->minute = two_at(p + 20);
    d->second = two_at(p + 23);
    return d->month <= 12 && century < 100 && year < 100 && is_sound(d);
}


static bool
read_any(str_t s, struct date *d)
{
    size_t name = 0;
    bool   is_asctime;

    while (name < s.n && s.p[name] != ',' && s.p[name] != ' ')
        name++;
    if (name == s.n)
        return false;
    is_asctime = s.p[name] == ' ';

    s = str_from(s, name + 1);
    while (cut_char(&s, ' '))
        continue;
    return (is_asctime ? cut_asctime(&s, d) : cut_rfc(&s, d)) && is_sound(d);
}


time_t
date_parse(str_t s)
{
    struct date d;

    if (!read_usual(s, &d) && !read_any(s, &d))
        return -1;
    return (time_t) (days_from(d.year, d.month, d.day) * 86400 + d.hour * 3600
                     + d.minute * 60 + d.second);
}
