/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: no dot segment comes out of normalising, nor "//" where slashes are
 * merged; a URI that is taken for safe stays below the root.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_segments(str_t path, bool merged)
{
    str_t rest = str_from(path, 1), segment;

    while (rest.p != NULL) {
        segment = str_cut(&rest, '/');
        CHECK(!str_is(segment, ".") && !str_is(segment, ".."));
        CHECK(!merged || segment.n > 0 || rest.p == NULL);
    }
}


static void
check_path(str_t path, bool merge)
{
    char *out = malloc(path.n + 1);
    str_t found;

    CHECK(out != NULL);

    if (uri_normalize(path, merge, out, &found)) {
        CHECK(found.p == out && found.n >= 1 && found.n <= path.n);
        CHECK(out[0] == '/' && !str_chr(found, '\0'));
        check_segments(found, merge);
    }

    free(out);
}


static void
check_extension(str_t path)
{
    struct arena *a = arena_new(0);
    str_t         found = uri_extension(a, path);

    CHECK(found.n <= path.n && !str_chr(found, '/') && !str_chr(found, '.'));
    arena_free(a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t in = { (const char *) data, size }, path, args;

    check_path(in, true);
    check_path(in, false);
    check_extension(in);

    if (uri_split_unsafe(in, &path, &args)) {
        CHECK(path.n > 0 && path.p == in.p);
        CHECK(!str_starts(path, STR("../")) && !str_ends(path, STR("/..")));
        CHECK(!str_find(path, STR("/../")) && !str_chr(path, '?'));
    }

    return 0;
}
