/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of header fields that are lists, and credentials.  The first byte
 * says which and how: entity tags and the one that is asked for (behind a
 * line break), addresses that proxies have added, a name and a password.
 * What is in a list stays in it whatever follows, and an answer depends on
 * nothing behind what decides it.
 */
#include "core/base/check.h"
#include "core/base/escape.h"
#include "http/credentials.h"
#include "http/etag.h"
#include "http/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A value that is repeated up to here ends in time, unless what reads it goes
 * back again and again. */
enum { LONG = 64 * 1024 };


static str_t
repeat(struct arena *a, str_t s)
{
    size_t times = s.n != 0 && s.n < LONG ? LONG / s.n : 1;
    char  *p = arena_bytes(a, s.n * times + 1);

    for (size_t i = 0; i < times && s.n != 0; i++)
        memcpy(p + i * s.n, s.p, s.n);
    return (str_t){ p, s.n * times };
}


/* --- entity tags ---------------------------------------------------------- */

/* Of the form that servers send. */
static bool
is_etag(str_t s)
{
    if (str_starts(s, STR("W/")))
        s = str_from(s, 2);
    return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"'
           && !str_chr((str_t){ s.p + 1, s.n - 2 }, '"');
}


/* Elements are never empty, and what is called a tag is in one. */
static void
check_elements(str_t all)
{
    str_t list = all, element, tag;

    while (list.n != 0) {
        element = etag_cut(&list);
        CHECK(element.n != 0);
        tag = etag_of(element);
        CHECK(
            tag.p == NULL
            || (tag.p >= element.p && tag.p + tag.n <= element.p + element.n));
    }
}


static void
check_etags(struct arena *a, str_t in, bool is_long)
{
    str_t list = in, etag = str_cut(&list, '\n'), bare = etag;
    bool  is_strong, is_weak;

    if (is_long)
        list = repeat(a, list);
    check_elements(list);
    is_strong = etag_is_listed(list, etag, false);
    is_weak = etag_is_listed(list, etag, true);
    if (str_starts(bare, STR("W/")))
        bare = str_from(bare, 2);
    CHECK(!is_strong || str_find(list, etag) != NULL);
    CHECK(!is_weak || str_find(list, bare) != NULL);
    if (!is_etag(etag))
        return;
    CHECK(!is_strong || is_weak);
    CHECK(is_weak == etag_is_listed(list, bare, true));
    CHECK(etag_is_listed(etag, etag, false));
    list = str_join3(a, STR(" "), etag, str_join(a, STR("\t,"), list));
    CHECK(etag_is_listed(list, etag, false));
    CHECK(etag_is_listed(list, bare, true));
    list = str_join3(a, STR("\"a,b\",, W/\"c\" ,"), etag, STR(""));
    CHECK(etag_is_listed(list, etag, false));
}


/* --- X-Forwarded-For ------------------------------------------------------ */

static void
trust(struct arena *a, struct cidrs *c, const char *text)
{
    CHECK(cidr_parse(str_of(text), vec_push(a, &c->list)) == CIDR_OK);
}


static bool
is_same(const struct addr_any *x, const struct addr_any *y)
{
    return x->len == y->len && addr_same(&x->sa, &y->sa, true)
           && addr_port(&x->sa) == addr_port(&y->sa);
}


/* The way back through the list, one step at a time. */
static void
check_steps(const struct addr_any *from, str_t value, const struct cidrs *c,
            const struct addr_any *end)
{
    struct addr_any at = *from;

    while (forwarded_addr(&at, value, c, false)) {
        CHECK(cidrs_match(c, &from->sa));
        while (value.n != 0 && strchr(" ,", value.p[value.n - 1]))
            value.n--;
        while (value.n != 0 && !strchr(" ,", value.p[value.n - 1]))
            value.n--;
    }
    CHECK(is_same(&at, end));
}


static void
check_forwarded(struct arena *a, str_t value, unsigned how, bool is_long)
{
    struct cidrs    c = { { NULL, 0, 0 } };
    struct addr_any from, all, one, again;
    bool            is_all, is_one;

    trust(a, &c, "127.0.0.0/8");
    trust(a, &c, how & 1 ? "10.0.0.0/8" : "::1/128");
    if (how & 2) {
        trust(a, &c, "0.0.0.0/0");
        trust(a, &c, "::/0");
    }
    if (is_long)
        value = repeat(a, value);
    CHECK(addr_parse(how & 4 ? STR("192.0.2.1") : STR("127.0.0.1"), &from));
    all = one = from;
    is_one = forwarded_addr(&one, value, &c, false);
    is_all = forwarded_addr(&all, value, &c, true);
    CHECK(is_one == is_all);
    CHECK(is_one || (is_same(&one, &from) && is_same(&all, &from)));
    if (!is_long)
        check_steps(&from, value, &c, &all);

    /* What clients say themselves stands in front and changes nothing. */
    again = from;
    value = str_join(a, STR("198.51.100.7, "), value);
    CHECK(
        !is_one
        || (forwarded_addr(&again, value, &c, false) && is_same(&again, &one)));
}


/* --- Authorization -------------------------------------------------------- */

static void
check_credentials(struct arena *a, str_t in, bool is_raw)
{
    struct http_request *r = arena_make(a, struct http_request);
    str_t                user, password, value = in;
    const char          *colon = str_chr(in, ':');

    r->task.arena = a;
    if (!is_raw)
        value = str_join(a, STR("basic  "), base64_encode(a, in, false));
    fields_add_id(a, &r->in, FIELD_AUTHORIZATION, value);
    if (!http_credentials(r, &user, &password)) {
        CHECK(is_raw || colon == NULL || colon == in.p);
        return;
    }
    CHECK(user.n != 0 && !str_chr(user, ':'));
    if (!is_raw)
        CHECK(str_eq(str_join3(a, user, STR(":"), password), in));
    else
        CHECK(user.n + password.n < in.n);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data, size };
    unsigned      how;

    if (size != 0) {
        how = data[0] >> 2;
        in = str_from(in, 1);
        switch (data[0] % 4) {
        case 0:
            check_etags(a, in, how / 8 == 7);
            break;
        case 1:
            check_forwarded(a, in, how, how / 8 == 7);
            break;
        case 2:
            check_credentials(a, in, false);
            break;
        default:
            check_credentials(a, in, true);
            break;
        }
    }
    arena_free(a);
    return 0;
}
