/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data section of MaxMind DB files.  The first byte says how long the path
 * before the section is: names between dots.
 */
#include "core/base/check.h"
#include "core/base/geodata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_value(struct arena *a, str_t section, const struct geodata *v)
{
    CHECK(v->type != GEODATA_POINTER);
    CHECK(v->next <= section.n);
    if (v->bytes.n != 0)
        CHECK(v->bytes.p >= section.p
              && v->bytes.p + v->bytes.n <= section.p + section.n);
    (void) geodata_text(a, v);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char    *p = (const char *) data;
    struct arena  *a;
    struct geodata v;
    str_t          names[16], path, section;
    size_t         n = 0;

    if (size < 1 || size - 1 < data[0])
        return 0;
    path = (str_t){ p + 1, data[0] };
    section = str_span(path.p + path.n, p + size);
    while (path.p != NULL && path.n != 0 && n < 16)
        names[n++] = str_cut(&path, '.');

    a = arena_new(0);
    for (size_t at = 0; at <= 2; at++)
        if (geodata_find(section, at, names, n, &v))
            check_value(a, section, &v);
    arena_free(a);
    return 0;
}
