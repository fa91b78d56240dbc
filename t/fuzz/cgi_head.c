/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a response in the form of CGI, as SCGI and uwsgi applications
 * send it: whole, and in pieces.  The first byte says how long they are, and
 * whether a status line may come first.  Both ways have to come to the same
 * headers and status, and to leave the same rest.
 */
#include "core/base/check.h"
#include "modules/gateway/cgi_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum cgi_event end;
    size_t         left, fields;
    unsigned       status;
    uint32_t       sum;
};


static void
add(struct result *out, str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        out->sum = out->sum * 31 + (unsigned char) s.p[i];
}


static void
note(struct result *out, const struct cgi_head *h)
{
    str_t reason = STR("");

    if (out->end == CGI_SAW_STATUS) {
        CHECK(h->takes_status && out->fields == 0);
        add(out, h->status.reason);
        return;
    }
    CHECK(memchr(h->field.value.p, '\n', h->field.value.n) == NULL);
    out->fields++;
    add(out, h->field.name);
    add(out, h->field.value);
    if (str_ieq(h->field.name, STR("Status"))) {
        out->status = cgi_status(h->field.value, &reason);
        CHECK(out->status == 0 || out->status >= 200);
        add(out, reason);
    }
}


/* Gives the input piece by piece. */
static struct result
run(str_t in, size_t step, bool takes_status)
{
    struct arena   *a = arena_new(0);
    struct cgi_head h = { .takes_status = takes_status };
    struct result   out = { .end = CGI_WANTS_MORE };

    while (in.n != 0 && out.end == CGI_WANTS_MORE) {
        str_t piece = { in.p, step < in.n ? step : in.n };

        in = str_from(in, piece.n);
        do {
            out.end = cgi_head_next(&h, a, &piece);
            if (out.end == CGI_SAW_FIELD || out.end == CGI_SAW_STATUS)
                note(&out, &h);
        } while (out.end == CGI_SAW_FIELD || out.end == CGI_SAW_STATUS);
        CHECK(out.end != CGI_WANTS_MORE || piece.n == 0);
        out.left = piece.n + in.n;
    }
    arena_free(a);
    return out;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;
    str_t         in;

    if (size < 2)
        return 0;
    in = (str_t){ (const char *) data + 1, size - 1 };
    whole = run(in, in.n, data[0] & 0x80);
    pieces = run(in, (size_t) data[0] % 32 + 1, data[0] & 0x80);
    CHECK(whole.end == pieces.end && whole.left == pieces.left);
    CHECK(whole.fields == pieces.fields && whole.status == pieces.status);
    CHECK(whole.sum == pieces.sum);
    return 0;
}
