/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The digest is that of nginx, so that files can be shared: MD5 of the key's
 * digest, and for each name of Vary "name:values\r\n", the name in lower case
 * and the values joined by commas.  Those of fields that are lists of words are
 * cut into their words, so that spaces make no difference.
 */
#include "http/gateway/cache_vary.h"

#include <openssl/evp.h>

#include "core/base/check.h"


static void
add(EVP_MD_CTX *md, str_t s)
{
    if (s.n != 0)
        CHECK(EVP_DigestUpdate(md, s.p, s.n) == 1);
}


/* The next word; empty: no more. */
static str_t
next_word(str_t *rest)
{
    const char *p = rest->p, *end, *start;

    if (rest->n == 0)
        return STR("");
    end = p + rest->n;
    while (p < end && (*p == ' ' || *p == ','))
        p++;
    for (start = p; p < end && *p != ' ' && *p != ','; p++)
        continue;
    *rest = str_span(p, end);
    return str_span(start, p);
}


static bool
is_of_words(str_t name)
{
    return str_ieq(name, STR("Accept-Charset"))
           || str_ieq(name, STR("Accept-Encoding"))
           || str_ieq(name, STR("Accept-Language"));
}


static void
add_value(EVP_MD_CTX *md, str_t value, bool of_words, bool *is_next)
{
    str_t word;

    if (!of_words) {
        add(md, *is_next ? STR(",") : STR(""));
        add(md, value);
        *is_next = true;
        return;
    }
    while ((word = next_word(&value)).n != 0) {
        add(md, *is_next ? STR(",") : STR(""));
        add(md, word);
        *is_next = true;
    }
}


static void
add_field(EVP_MD_CTX *md, str_t name, const struct fields *in)
{
    bool of_words = is_of_words(name), is_next = false;
    char lower[DISK_VARY_MAX];

    str_lower_to(lower, name);
    add(md, (str_t){ lower, name.n });
    add(md, STR(":"));
    VEC_EACH(&in->list, f)
        if (!f->is_hidden && str_ieq(f->name, name))
            add_value(md, f->value, of_words, &is_next);
    add(md, STR("\r\n"));
}


void
cache_variant(struct disk_key *out, const struct disk_key *of, str_t vary,
              const struct fields *in)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    str_t       name;

    CHECK(md != NULL && vary.n <= DISK_VARY_MAX
          && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1);
    add(md, (str_t){ (const char *) of->b, sizeof(of->b) });
    while ((name = next_word(&vary)).n != 0)
        add_field(md, name, in);
    CHECK(EVP_DigestFinal_ex(md, out->b, NULL) == 1);
    EVP_MD_CTX_free(md);
}
