/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a FastCGI application sends: whole, and in pieces.  The first byte says
 * how long they are, and whether a status line may come first.  Both ways have
 * to come to the same records, headers, status and body.
 */
#include "core/base/check.h"
#include "modules/gateway/cgi_head.h"
#include "modules/gateway/fastcgi_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct arena         *arena;
    struct fastcgi_reader reader;
    struct cgi_head       head;
    bool                  has_head, is_broken, is_ended;
    size_t                used, fields, body, text, records;
    unsigned              status;
    uint32_t              sum;
};


static void
add(struct result *out, str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        out->sum = out->sum * 31 + (unsigned char) s.p[i];
}


static void
take_head(struct result *out, str_t *data)
{
    const struct h1_field *f = &out->head.field;
    enum cgi_event         event;

    do {
        event = cgi_head_next(&out->head, out->arena, data);
        if (event == CGI_SAW_STATUS) {
            CHECK(out->head.takes_status && out->fields == 0);
            add(out, out->head.status.reason);
        }
        if (event == CGI_SAW_FIELD) {
            out->fields++;
            add(out, f->name);
            add(out, f->value);
            if (str_ieq(f->name, STR("Status"))) {
                str_t reason = STR("");

                out->status = cgi_status(f->value, &reason);
                CHECK(out->status == 0 || out->status >= 200);
                add(out, reason);
            }
        }
    } while (event == CGI_SAW_FIELD || event == CGI_SAW_STATUS);
    out->has_head = event == CGI_SAW_END;
    out->is_broken = event == CGI_SAW_BROKEN;
    CHECK(event != CGI_WANTS_MORE || data->n == 0);
}


static void
take_data(struct result *out, str_t *in)
{
    str_t  data = out->reader.data;
    size_t n = data.n;

    CHECK(n != 0 && n <= in->n && data.p == in->p && n <= out->reader.left);
    if (out->reader.type == FASTCGI_STDERR) {
        out->text += n;
    } else if (out->reader.type == FASTCGI_STDOUT && !out->has_head) {
        take_head(out, &data);
        n -= data.n;
    } else if (out->reader.type == FASTCGI_STDOUT) {
        out->body += n;
        add(out, data);
    }
    fastcgi_took(&out->reader, in, n);
}


static void
feed(struct result *out, str_t in)
{
    str_t rest = str_from(in, out->used);

    while (!out->is_broken && !out->is_ended) {
        switch (fastcgi_next(&out->reader, &rest)) {
        case FASTCGI_WANTS_MORE:
            CHECK(rest.n < FASTCGI_HEADER);
            out->used = in.n - rest.n;
            return;
        case FASTCGI_SAW_RECORD:
            out->records++;
            break;
        case FASTCGI_SAW_DATA:
            take_data(out, &rest);
            break;
        case FASTCGI_SAW_END:
            out->is_ended = out->reader.type == FASTCGI_END;
            break;
        case FASTCGI_SAW_BROKEN:
            out->is_broken = true;
            break;
        }
    }
    out->used = in.n - rest.n;
}


/* Gives the input piece by piece. */
static void
run(struct result *out, str_t in, size_t step, bool takes_status)
{
    size_t have = 0;

    out->head.takes_status = takes_status;
    out->arena = arena_new(0);
    do {
        have = have + step < in.n ? have + step : in.n;
        feed(out, (str_t){ in.p, have });
    } while (have < in.n && !out->is_broken && !out->is_ended);
    arena_free(out->arena);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = { .used = 0 }, pieces = { .used = 0 };
    str_t         in;

    if (size < 2)
        return 0;
    in = (str_t){ (const char *) data + 1, size - 1 };
    run(&whole, in, in.n, data[0] & 0x80);
    run(&pieces, in, (size_t) data[0] % 32 + 1, data[0] & 0x80);

    CHECK(whole.is_broken == pieces.is_broken);
    CHECK(whole.is_ended == pieces.is_ended);
    CHECK(whole.has_head == pieces.has_head);
    CHECK(whole.fields == pieces.fields && whole.status == pieces.status);
    CHECK(whole.records == pieces.records && whole.sum == pieces.sum);
    CHECK(whole.body == pieces.body && whole.text == pieces.text);
    return 0;
}
