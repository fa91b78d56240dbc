/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of any lines, and texts that are converted by them: what comes out
 * does not depend on how the input and the room for the output are cut.
 *
 * The input: a byte with the kind of the table, the way and the size of pieces,
 * the number of lines, each with a byte, the length of the text, and the text;
 * what is converted.
 */
#include "core/base/check.h"
#include "modules/filter/charset_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 2000, OUT_MAX = IN_MAX * 12 + CHARSET_STEP };


static size_t
recode(const struct charset_table *t, bool is_back, str_t in, size_t part,
       size_t room, char *out)
{
    struct charset_recoder c = { .table = t, .is_back = is_back };
    size_t                 n = 0, got;
    str_t                  piece;

    for (; in.n != 0; in = str_from(in, part)) {
        if (part > in.n)
            part = in.n;
        piece = (str_t){ in.p, part };
        if (charset_keeps(&c, piece)) {
            memcpy(out + n, piece.p, piece.n);
            n += piece.n;
            continue;
        }
        while (piece.n != 0) {
            got = charset_recode(&c, &piece, out + n, room);
            CHECK(got <= room && n + got <= OUT_MAX);
            n += got;
        }
    }
    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct charset_table *t = malloc(sizeof(*t));
    char                 *whole = malloc(OUT_MAX), *cut = malloc(OUT_MAX);
    str_t                 in = { (const char *) data, size };
    unsigned              i, how, lines;
    size_t                n, n_cut;

    if (size > 1) {
        how = data[0];
        lines = data[1];
        in = str_from(in, 2);
        charset_table_init(t, how & 1);
        for (i = 0; i < lines && in.n > 2; i++) {
            n = (uint8_t) in.p[1] & 7;
            if (n > in.n - 2)
                n = in.n - 2;
            (void) charset_table_add(t, (uint8_t) in.p[0],
                                     (str_t){ in.p + 2, n });
            in = str_from(in, 2 + n);
        }
        if (in.n > IN_MAX)
            in.n = IN_MAX;
        n = recode(t, how & 2, in, in.n, OUT_MAX, whole);
        n_cut = recode(t, how & 2, in, 1 + (how >> 2), CHARSET_STEP, cut);
        CHECK(n == n_cut && memcmp(whole, cut, n) == 0);
    }
    free(t);
    free(whole);
    free(cut);
    return 0;
}
