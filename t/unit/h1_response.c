/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses of upstreams, decoded as a whole and cut at every byte.
 */
#include "t/unit/tap.h"

#include "http/h1/response.h"

struct told {
    char          body[64], fields[128];
    size_t        n_body, n_fields;
    unsigned      status;
    bool          is_reusable;
    enum h1_event end;
    enum h1_fault error;
};


static void
append(char *to, size_t *n, str_t s)
{
    memcpy(to + *n, s.p, s.n);
    *n += s.n;
    to[*n] = '\0';
}


static size_t
take(struct h1_response *h, str_t in, struct told *t)
{
    str_t rest = in;

    for (;;) {
        t->end = h1_response_next(h, &rest);
        if (t->end == H1_SAW_NAMED || t->end == H1_SAW_TRAILER) {
            append(t->fields, &t->n_fields, h->field.name);
            append(t->fields, &t->n_fields, STR("="));
            append(t->fields, &t->n_fields, h->field.value);
            append(t->fields, &t->n_fields, STR(";"));
        } else if (t->end == H1_SAW_DATA) {
            append(t->body, &t->n_body, h->data);
        } else if (t->end == H1_SAW_HEAD) {
            t->is_reusable = h->is_reusable;
            t->status = h->status.status;
        } else if (t->end == H1_SAW_END || t->end == H1_SAW_BROKEN
                   || t->end == H1_WANTS_MORE)
        {
            t->error = h->error;
            return in.n - rest.n;
        }
    }
}


static struct told
decode(const char *text, size_t cut, bool is_head)
{
    struct h1_response h = { .has_no_body = is_head };
    struct told        t = { .n_body = 0 };
    str_t              in = str_of(text);
    size_t             used = take(&h, (str_t){ in.p, cut }, &t);

    if (t.end == H1_WANTS_MORE && cut < in.n)
        take(&h, str_from(in, used), &t);
    if (t.end == H1_WANTS_MORE)
        t.end = h1_response_eof(&h);
    return t;
}


static void
check(const char *text, bool is_head, unsigned status, const char *fields,
      const char *body, bool is_reusable, enum h1_event end)
{
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct told t = decode(text, cut, is_head);

        if (t.status == status && t.is_reusable == is_reusable && t.end == end
            && strcmp(t.fields, fields) == 0 && strcmp(t.body, body) == 0)
            continue;
        fail("status %u, %zu bytes, cut at %zu", status, strlen(text), cut);
        is_text(t.fields, fields, "fields");
        is_text(t.body, body, "body");
        is(t.end, end, "end");
        return;
    }
    pass("status %u, %zu bytes, cut at every one", status, strlen(text));
}


static void
check_fault(const char *text, enum h1_fault fault)
{
    is(decode(text, strlen(text), false).error, fault, "fault %d", (int) fault);
}


int
main(void)
{
    check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200,
          "Content-Length=2;", "ok", true, H1_SAW_END);
    check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false, 200,
          "Content-Length=9;", "ok", true, H1_WANTS_MORE);
    check("HTTP/1.1 200 OK\nA: b\n\nto the end", false, 200, "A=b;",
          "to the end", false, H1_SAW_END);
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
          "2\r\nok\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
          false, 200, "Transfer-Encoding=Chunked;X=y;", "ok!", true,
          H1_SAW_END);
    check("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 204 No\r\n\r\n", false, 204, "",
          "", true, H1_SAW_END);
    check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, 200,
          "Content-Length=9;", "", true, H1_SAW_END);
    check("HTTP/1.0 304 No\r\nConnection: keep-alive\r\n\r\n", false, 304,
          "Connection=keep-alive;", "", true, H1_SAW_END);
    check("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
          false, 200, "Connection=close;Content-Length=0;", "", false,
          H1_SAW_END);
    check("just text", false, 0, "", "just text", false, H1_SAW_END);

    check_fault("HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n", H1_FAULT_FIELD);
    check_fault("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                H1_FAULT_LENGTH);
    check_fault("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n"
                "\r\n",
                H1_FAULT_DUPLICATE);
    check_fault("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                H1_FAULT_CODING);
    check_fault("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                "Transfer-Encoding: chunked\r\n\r\n",
                H1_FAULT_BOTH);
    check_fault("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                H1_FAULT_CHUNK);
    return done();
}
