/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notes in sessions: side by side, replaced, as long as there is room, and what
 * somebody else has put there.
 */
#include "core/conf/module.h"
#include "core/tls/note.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

static char long_text[TLS_NOTES_MAX];


static str_t
of_length(size_t n)
{
    return (str_t){ long_text, n };
}


static void
test_sides(SSL_SESSION *s)
{
    is(tls_note_get(s, TLS_NOTE_MAKER).n, 0, "there is none");
    ok(tls_note_set(s, TLS_NOTE_CHAIN, STR("chain")), "one");
    ok(tls_note_set(s, TLS_NOTE_MAKER, STR("maker")), "another one");
    is_str(tls_note_get(s, TLS_NOTE_CHAIN), "chain", "the first");
    is_str(tls_note_get(s, TLS_NOTE_MAKER), "maker", "the second");
    ok(tls_note_set(s, TLS_NOTE_CHAIN, STR("a longer chain")), "replaced");
    is_str(tls_note_get(s, TLS_NOTE_CHAIN), "a longer chain", "by this");
    is_str(tls_note_get(s, TLS_NOTE_MAKER), "maker", "beside the other");
}


static void
test_room(SSL_SESSION *s)
{
    const size_t most = TLS_NOTES_MAX - 2 * 3 - sizeof("maker") + 1;

    memset(long_text, 'x', sizeof(long_text));
    ok(tls_note_set(s, TLS_NOTE_CHAIN, of_length(most)), "the longest");
    is(tls_note_get(s, TLS_NOTE_CHAIN).n, most, "is there");
    ok(!tls_note_set(s, TLS_NOTE_CHAIN, of_length(most + 1)), "too long");
    ok(!tls_note_set(s, TLS_NOTE_CHAIN, of_length(TLS_NOTES_MAX)), "more so");
    is(tls_note_get(s, TLS_NOTE_CHAIN).n, most, "what was there stays");
    ok(!tls_note_set(s, TLS_NOTE_MAKER, STR("maker+")), "nor the other");
    is_str(tls_note_get(s, TLS_NOTE_MAKER), "maker", "which stays, too");
}


static void
test_strange(SSL_SESSION *s)
{
    static const char cut[] = { 1, 0, 9, 'x' }, none[] = { 1, 0 };

    SSL_SESSION_set1_ticket_appdata(s, cut, sizeof(cut));
    is(tls_note_get(s, TLS_NOTE_CHAIN).n, 0, "one that is cut off");
    SSL_SESSION_set1_ticket_appdata(s, none, sizeof(none));
    is(tls_note_get(s, TLS_NOTE_CHAIN).n, 0, "before its text begins");
    ok(tls_note_set(s, TLS_NOTE_CHAIN, STR("chain")), "another instead");
    is_str(tls_note_get(s, TLS_NOTE_CHAIN), "chain", "is found");
}


int
main(void)
{
    SSL_SESSION *s = SSL_SESSION_new();

    test_sides(s);
    test_room(s);
    test_strange(s);
    SSL_SESSION_free(s);
    return done();
}
