/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *     If: (<urn:uuid:1> ["tag"]) (Not <urn:uuid:2>)
 *     If: </folder/> (<urn:uuid:1>) </other> (<urn:uuid:2>)
 */
#include "modules/content/dav_if.h"


static void
skip_blanks(str_t *s)
{
    while (s->n != 0 && (*s->p == ' ' || *s->p == '\t'))
        *s = str_from(*s, 1);
}


/* Takes what is between open and close. */
static bool
take(str_t *s, char open, char close, str_t *out)
{
    const char *end;

    if (s->n == 0 || *s->p != open)
        return false;
    end = str_chr(*s, close);
    if (end == NULL)
        return false;
    *out = str_span(s->p + 1, end);
    *s = str_from(*s, out->n + 2);
    return true;
}


/* The list behind its "(", with the ")". */
static bool
take_list(struct arena *a, str_t *s, unsigned number, str_t resource,
          struct dav_if *out)
{
    struct dav_condition c;
    unsigned             n = 0;

    for (;;) {
        skip_blanks(s);
        if (s->n != 0 && *s->p == ')') {
            *s = str_from(*s, 1);
            return n != 0;
        }
        c = (struct dav_condition){ .list = number, .resource = resource };
        if (str_istarts(*s, STR("Not"))) {
            *s = str_from(*s, 3);
            skip_blanks(s);
            c.is_not = true;
        }
        c.is_tag = s->n != 0 && *s->p == '[';
        if (!(c.is_tag ? take(s, '[', ']', &c.value)
                       : take(s, '<', '>', &c.value))
            || out->conditions.n == DAV_CONDITIONS_MAX)
            return false;
        *vec_push(a, &out->conditions) = c;
        n++;
    }
}


bool
dav_if_parse(struct arena *a, str_t value, struct dav_if *out)
{
    str_t    resource = STR_NONE;
    unsigned number = 0;

    *out = (struct dav_if){ .conditions = { .n = 0 } };
    for (;;) {
        skip_blanks(&value);
        if (value.n == 0)
            return number != 0;
        if (*value.p == '<') {
            if ((number != 0 && resource.n == 0)
                || !take(&value, '<', '>', &resource) || resource.n == 0)
                return false;
            skip_blanks(&value);
        }
        if (value.n == 0 || *value.p != '(')
            return false;
        value = str_from(value, 1);
        if (!take_list(a, &value, number++, resource, out))
            return false;
    }
}
