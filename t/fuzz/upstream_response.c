/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A response of an upstream: whole, and in pieces.  The first byte says how
 * long they are, and whether the request was HEAD.  Both ways have to come to
 * the same status, fields, body, trailers and end.
 */
#include "core/base/check.h"
#include "http/h1/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum h1_event end;
    size_t        used, body_bytes, fields, trailers, interim;
    uint64_t      length;
    unsigned      status;
    uint32_t      sum;
};


static void
add(struct result *out, str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        out->sum = out->sum * 31 + (unsigned char) s.p[i];
}


/* False: no more events. */
static bool
note(struct h1_response *h, enum h1_event event, struct result *out)
{
    switch (event) {
    case H1_SAW_STATUS:
        CHECK(h->status.status >= 100 && h->status.status <= 999);
        out->status = h->status.status;
        add(out, h->status.reason);
        return true;
    case H1_SAW_NAMED:
        out->fields++;
        add(out, h->field.name);
        add(out, h->field.value);
        return true;
    case H1_SAW_INTERIM:
        out->interim++;
        return true;
    case H1_SAW_HEAD:
        CHECK(!h->has_length || !h->is_chunked);
        out->length = h->length;
        return true;
    case H1_SAW_DATA:
        out->body_bytes += h->data.n;
        add(out, h->data);
        return true;
    case H1_SAW_TRAILER:
        out->trailers++;
        add(out, h->field.name);
        add(out, h->field.value);
        return true;
    case H1_SAW_HEADLESS:
        return true;
    case H1_SAW_BROKEN:
        CHECK(h->error != H1_FAULT_NONE);
        CHECK(h->error != H1_FAULT_FIELD || h->at <= h->line.n);
        return false;
    case H1_SAW_END:
    case H1_WANTS_MORE:
        break;
    }
    return false;
}


static void
feed(struct h1_response *h, str_t in, struct result *out)
{
    str_t rest = str_from(in, out->used);

    do {
        out->end = h1_response_next(h, &rest);
        CHECK(rest.p >= in.p && rest.p + rest.n == in.p + in.n);
    } while (note(h, out->end, out));
    out->used = (size_t) (rest.p - in.p);
}


static struct result
run(str_t in, size_t step, bool is_head)
{
    struct h1_response h = { .has_no_body = is_head };
    struct result      out = { .end = H1_WANTS_MORE };
    size_t             have = 0;

    do {
        have = have + step < in.n ? have + step : in.n;
        feed(&h, (str_t){ in.p, have }, &out);
    } while (have < in.n && out.end == H1_WANTS_MORE);
    if (out.end == H1_WANTS_MORE)
        out.end = h1_response_eof(&h);
    return out;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;
    bool          is_head;
    str_t         in;

    if (size < 2)
        return 0;
    in = (str_t){ (const char *) data + 1, size - 1 };
    is_head = data[0] & 0x80;
    whole = run(in, in.n, is_head);
    pieces = run(in, (size_t) data[0] % 16 + 1, is_head);

    CHECK(whole.end == pieces.end);
    CHECK(whole.status == pieces.status && whole.fields == pieces.fields);
    CHECK(whole.interim == pieces.interim);
    if (whole.end == H1_SAW_BROKEN)
        return 0;
    CHECK(whole.sum == pieces.sum && whole.length == pieces.length);
    CHECK(whole.body_bytes == pieces.body_bytes);
    CHECK(whole.trailers == pieces.trailers);
    return 0;
}
