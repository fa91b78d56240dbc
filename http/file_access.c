/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owner can always read and write; "all" is everybody else, without the
 * group.
 */
#include "http/file_access.h"


/* The bits of "user:rw"; 0: invalid. */
static unsigned
access_bits(str_t word)
{
    static const struct {
        const char *who;
        unsigned    shift;
    } classes[] = { { "user:", 6 }, { "group:", 3 }, { "all:", 0 } };

    for (size_t i = 0; i < countof(classes); i++) {
        unsigned bits = 0;

        if (!str_starts(word, str_of(classes[i].who)))
            continue;
        word = str_from(word, strlen(classes[i].who));
        if (str_is(word, "rw"))
            bits = 6;
        else if (str_is(word, "r"))
            bits = 4;
        return bits << classes[i].shift;
    }
    return 0;
}


static const char *
parse_access(struct conf *cf, void *field)
{
    unsigned *out = field;
    unsigned  all = 0600;

    for (unsigned i = 1; i < cf->n_args; i++) {
        unsigned bits = access_bits(cf->args[i]);

        if (bits == 0)
            return conf_error(cf, "invalid value \"" STR_F "\"",
                              STR_A(cf->args[i]));
        all |= bits;
    }
    *out = all;
    return NULL;
}


const struct conf_type conf_file_access = {
    .name = "access",
    .size = sizeof(unsigned),
    .parse = parse_access,
};
