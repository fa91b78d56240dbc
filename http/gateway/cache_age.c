/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counts is what nginx makes of such fields, down to its ways with those
 * that are malformed (t/truth/cache.tsv).
 */
#include "http/gateway/cache_age.h"

#include "core/base/date.h"
#include "core/base/number.h"

enum { AGE_MAX = INT32_MAX }; /* larger numbers mean this one */


void
cache_age_take_accel(struct cache_age *a, str_t value, time_t now)
{
    uint64_t n;

    a->has_accel = true;
    if (value.n != 0 && value.p[0] == '@') {
        if (!number_parse(str_from(value, 1), INT64_MAX, &n))
            return;
        a->valid_at = (int64_t) n;
    } else {
        if (!number_parse(value, INT64_MAX, &n))
            return;
        if (n == 0) {
            a->is_refused = true;
            return;
        }
        a->valid_at = now + (n < AGE_MAX ? (int64_t) n : AGE_MAX);
    }
    a->is_forbidden = a->is_expired = false;
}


/* The seconds behind name ("max-age="), up to the next comma.  False: it is not
 * there; *ok: it is a number. */
static bool
take_seconds(str_t value, const char *name, int64_t *seconds, bool *ok)
{
    const char *p = str_ifind(value, str_of(name));
    int64_t     n = 0;

    *ok = true;
    if (p == NULL)
        return false;
    for (p += strlen(name); p < value.p + value.n; p++) {
        if (*p == ',' || *p == ';' || *p == ' ')
            break;
        if (*p < '0' || *p > '9') {
            *ok = false;
            return true;
        }
        n = n * 10 + (*p - '0');
        n = n < AGE_MAX ? n : AGE_MAX;
    }
    *seconds = n;
    return true;
}


static bool
forbids(str_t value)
{
    return str_ifind(value, STR("no-cache")) != NULL
           || str_ifind(value, STR("no-store")) != NULL
           || str_ifind(value, STR("private")) != NULL;
}


/* False: nothing that follows counts. */
static bool
take_age(struct cache_age *a, str_t value, time_t now)
{
    int64_t n = 0;
    bool    ok;

    if (forbids(value)) {
        a->is_forbidden = true;
        return false;
    }
    if (!take_seconds(value, "s-maxage=", &n, &ok)
        && !take_seconds(value, "max-age=", &n, &ok))
        return true;
    a->is_refused |= !ok;
    a->is_forbidden |= ok && n == 0;
    if (!ok || n == 0)
        return false;
    a->valid_at = now + n;
    a->is_expired = false;
    return true;
}


void
cache_age_take_control(struct cache_age *a, str_t value, time_t now)
{
    int64_t n = 0;
    bool    ok;

    if ((a->has_accel && a->valid_at != 0) || !take_age(a, value, now))
        return;
    if (take_seconds(value, "stale-while-revalidate=", &n, &ok)) {
        a->is_refused |= !ok;
        a->updating = a->error = n;
    }
    if (ok && take_seconds(value, "stale-if-error=", &n, &ok)) {
        a->is_refused |= !ok;
        a->error = n;
    }
}


void
cache_age_take_expires(struct cache_age *a, str_t value, time_t now)
{
    time_t at = date_parse(value);

    if (a->valid_at != 0)
        return;
    if (at == -1 || at < now)
        a->is_expired = true;
    else
        a->valid_at = at;
}
