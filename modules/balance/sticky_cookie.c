/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of the cookie that sticky cookie sets.
 */
#include "modules/balance/sticky.h"

/* Of expires=max: 10 years. */
enum { MAX_AGE = 315360000 };


static str_t
expires_text(struct arena *a, const struct sticky_cookie *c)
{
    char   date[DATE_LEN];
    size_t n;

    if (c->is_for_long)
        return arena_printf(a,
                            "; expires=Thu, 31-Dec-37 23:55:55 GMT; "
                            "max-age=%d",
                            MAX_AGE);
    if (c->expires == 0)
        return STR("");
    n = date_cookie(date, clock_seconds() + (time_t) c->expires);
    return arena_printf(a, "; expires=%.*s; max-age=%llu", (int) n, date,
                        (unsigned long long) c->expires);
}


/* Nothing for an empty value, or one that would end the attribute. */
static str_t
attribute(struct task *t, const char *name, const struct expr *e)
{
    str_t value = e != NULL ? expr_eval(e, t) : STR("");

    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == ';' || (unsigned char) value.p[i] < ' ')
            return STR("");
    if (value.n == 0)
        return STR("");
    return arena_printf(t->arena, "; %s=" STR_F, name, STR_A(value));
}


static str_t
samesite(struct task *t, const struct expr *e)
{
    str_t value = e != NULL ? expr_eval(e, t) : STR("");

    if (value.n == 0)
        return STR("");
    if (!str_ieq(value, STR("strict")) && !str_ieq(value, STR("lax"))
        && !str_ieq(value, STR("none")))
        value = STR("strict");
    return arena_printf(t->arena, "; samesite=" STR_F, STR_A(value));
}


str_t
sticky_cookie_text(struct task *t, const struct sticky_cookie *c, str_t id)
{
    return arena_printf(
        t->arena, STR_F "=" STR_F STR_F STR_F "%s%s" STR_F STR_F,
        STR_A(c->name), STR_A(id), STR_A(expires_text(t->arena, c)),
        STR_A(attribute(t, "domain", c->domain)),
        c->is_httponly ? "; httponly" : "", c->is_secure ? "; secure" : "",
        STR_A(samesite(t, c->samesite)), STR_A(attribute(t, "path", c->path)));
}
