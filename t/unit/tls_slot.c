/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of TLS connections: what is packed comes back as it was.
 */
#include "core/tls/slot.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "t/unit/tap.h"

enum { MANY = 200 };

static SSL_CTX *context;


/* Its memory, without the head. */
static char *
start_of(struct slot *s)
{
    return (char *) s + s->cells[0].at;
}


static size_t
size_of(const struct slot *s)
{
    return s->top - s->cells[0].at;
}


static char *
copy(struct slot *s)
{
    char *p = malloc(size_of(s));

    CHECK(p != NULL);
    memcpy(p, start_of(s), size_of(s));
    return p;
}


static void
check_packing(struct slot *s, const char *what)
{
    char *was = copy(s);

    slot_unpack(slot_pack(s));
    ok(memcmp(start_of(s), was, size_of(s)) == 0, "%s", what);
    free(was);
}


/* A part of the bytes, in 256. */
static void
fill(struct slot *s, unsigned part)
{
    unsigned seed = part;

    for (size_t i = 0; i < size_of(s); i++) {
        seed = seed * 1103515245 + 12345;
        start_of(s)[i] = (seed >> 24) < part ? (char) (seed >> 16) : 0;
    }
}


static void
one(void)
{
    SSL         *ssl = slot_ssl_new(context);
    struct slot *s = slot_of(ssl);
    char        *was;

    ok(s != NULL && s->n_used > 1, "a connection has a slot");
    was = copy(s);
    check_packing(s, "what was packed is back");
    fill(s, 0);
    check_packing(s, "zeroes");
    fill(s, 20);
    check_packing(s, "a few others");
    fill(s, 256);
    check_packing(s, "many");
    memset(start_of(s), 255, size_of(s));
    check_packing(s, "no zeroes");
    memcpy(start_of(s), was, size_of(s));
    free(was);
    SSL_free(ssl);
    is(s->n_used, 0, "it is free behind the connection");
}


static void
many(void)
{
    SSL           *all[MANY];
    struct packed *packed[MANY];
    unsigned       n = 0;

    for (unsigned i = 0; i < MANY; i++) {
        all[i] = slot_ssl_new(context);
        packed[i] = slot_pack(slot_of(all[i]));
    }
    for (unsigned i = 0; i < MANY; i++) {
        slot_unpack(packed[i]);
        n += SSL_get_SSL_CTX(all[i]) == context;
        SSL_free(all[i]);
    }
    is(n, MANY, "many");
    slot_trim();
    ok(slot_can_trim(), "free ones are kept for a while");
    for (; slot_can_trim(); n++)
        slot_trim();
    ok(n < MANY + 10, "... and then given back");
    all[0] = slot_ssl_new(context);
    ok(slot_of(all[0]) != NULL, "another one");
    SSL_free(all[0]);
}


int
main(void)
{
    slot_init();
    context = SSL_CTX_new(TLS_method());
    CHECK(context != NULL);
    ok(slot_of(NULL) == NULL, "nothing is in no slot");
    one();
    many();
    SSL_CTX_free(context);
    return done();
}
