/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of users: the first byte says whether a name is looked for in lines, a
 * password is compared with an entry as it stands, or with entries that are
 * made of it here.  The name is looked for by a second reader, too, which goes
 * byte by byte; the right password is right, and one more letter makes it
 * wrong.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "core/base/check.h"
#include "core/base/escape.h"
#include "modules/gate/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DES_LENGTH = 8 }; /* of a password, for crypt's oldest                */


/* --- a name in lines ------------------------------------------------------ */

static bool
ends_entry(char c)
{
    return c == ':' || c == '\n' || c == '\r';
}


/* p NULL: there is no such name. */
static str_t
find(str_t lines, str_t user)
{
    const char *p = lines.p, *end = lines.p + lines.n, *name, *entry;

    while (p < end) {
        for (name = p; p < end && *p != ':' && *p != '\n'; p++)
            continue;
        entry = p + 1;
        if (p < end && *p == ':' && *name != '#'
            && str_eq(str_span(name, p), user)) {
            for (p = entry; p < end && !ends_entry(*p); p++)
                continue;
            return str_span(entry, p);
        }
        while (p < end && *p != '\n')
            p++;
        p++;
    }
    return STR_NONE;
}


static void
check_find(struct arena *a, str_t in)
{
    str_t lines = in, user = str_cut(&lines, '\n'), name = user, entry, again;

    user = str_cut(&name, ':'); /* as in what clients send */
    if (user.n == 0 || lines.p == NULL)
        return;
    entry = password_find(lines, user);
    again = find(lines, user);
    CHECK((entry.p == NULL) == (again.p == NULL) && str_eq(entry, again));
    CHECK(entry.p == NULL
          || (entry.p >= lines.p && entry.p + entry.n <= lines.p + lines.n));
    /* In front of them all, whatever they are. */
    lines = str_join3(a, user, STR(":e:more\n"), lines);
    CHECK(user.p[0] == '#' || str_is(password_find(lines, user), "e"));
    lines = str_join(a, STR("#"), lines);
    CHECK(str_eq(password_find(lines, user), entry));
}


/* --- a password and an entry ---------------------------------------------- */

/* What costs no more time than it should: how much the others cost is said in
 * the entry, and the administrator's business. */
static bool
is_cheap(str_t stored)
{
    if (str_starts(stored, STR("$apr1$")) || str_starts(stored, STR("$1$")))
        return true;
    return stored.n == 0 || (stored.p[0] != '$' && stored.p[0] != '_');
}


static void
check_given(struct arena *a, str_t in)
{
    str_t given = in, stored = str_cut(&given, '\n'), longer;
    bool  is_right;

    if (given.p == NULL || !is_cheap(stored))
        return;
    is_right = password_check(a, given, stored) == PASSWORD_RIGHT;
    CHECK(!is_right || stored.n != 0);
    if (!is_right || str_chr(given, '\0')
        || (given.n >= DES_LENGTH && !str_starts(stored, STR("$apr1$"))))
        return;
    longer = str_join(a, given, STR("x"));
    CHECK(password_check(a, longer, stored) == PASSWORD_WRONG);
    /* As far as C has it a text, what is behind the end does not count. */
    longer = str_join(a, given, STR("\0x"));
    CHECK(password_check(a, longer, stored) == PASSWORD_RIGHT);
}


static str_t
sum_of(struct arena *a, str_t scheme, str_t s, str_t behind)
{
    unsigned char sum[SHA_DIGEST_LENGTH];
    str_t         bytes = { (const char *) sum, sizeof(sum) };

    CHECK(EVP_Digest(s.p, s.n, sum, NULL, EVP_sha1(), NULL));
    bytes = base64_encode(a, str_join(a, bytes, behind), false);
    return str_join(a, scheme, bytes);
}


static void
check_made(struct arena *a, str_t in)
{
    str_t given = in, salt = str_cut(&given, '\n'), longer, stored[3], text;

    if (given.p == NULL)
        return;
    text = (str_t){ given.p, strnlen(given.p, given.n) };
    stored[0] = str_join(a, STR("{PLAIN}"), text);
    stored[1] = sum_of(a, STR("{SHA}"), text, STR(""));
    stored[2] = sum_of(a, STR("{SSHA}"), str_join(a, text, salt), salt);
    longer = str_join(a, text, STR("x"));
    for (size_t i = 0; i < countof(stored); i++) {
        CHECK(password_check(a, given, stored[i]) == PASSWORD_RIGHT);
        CHECK(password_check(a, longer, stored[i]) == PASSWORD_WRONG);
    }
    stored[1].n--;
    CHECK(password_check(a, given, stored[1]) == PASSWORD_WRONG);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data + 1, size - 1 };

    if (size != 0) {
        switch (data[0] % 3) {
        case 0:
            check_find(a, in);
            break;
        case 1:
            check_given(a, in);
            break;
        default:
            check_made(a, in);
            break;
        }
    }
    arena_free(a);
    return 0;
}
