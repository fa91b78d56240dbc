/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI records and heads in the form of CGI: what is written, what is read,
 * and the same when the input is cut at each byte.
 */
#include "core/base/check.h"
#include "modules/gateway/cgi_head.h"
#include "modules/gateway/fastcgi_record.h"
#include "modules/gateway/params_form.h"
#include "t/unit/tap.h"

#define RECORD(type, n, padding) "\1" type "\0\1\0" n padding "\0"

static const char input[] = RECORD("\7", "\5", "\0") "oops\n" RECORD(
    "\6", "\22", "\3") "Status: 404 No\r\nX:"
                       "___" RECORD("\6", "\11", "\0") " y\r\n\r\nhel" RECORD(
                           "\6", "\2",
                           "\1") "lo"
                                 "_" RECORD("\3", "\10",
                                            "\0") "\0\0\0\0\0\0\0\0";


static void
add(char *out, str_t s)
{
    snprintf(out + strlen(out), 512 - strlen(out), STR_F "|", STR_A(s));
}


struct told {
    struct fastcgi_reader reader;
    struct cgi_head       head;
    bool                  has_head;
    char                  text[512];
};


static void
take(struct told *t, struct arena *a, str_t *in)
{
    str_t          data = t->reader.data;
    enum cgi_event event = CGI_SAW_FIELD;

    while (t->reader.type == FASTCGI_STDOUT && !t->has_head && data.n
           && event == CGI_SAW_FIELD)
    {
        event = cgi_head_next(&t->head, a, &data);
        if (event == CGI_SAW_FIELD) {
            add(t->text, t->head.field.name);
            add(t->text, t->head.field.value);
        }
        t->has_head = event == CGI_SAW_END;
    }
    if (t->has_head && event != CGI_SAW_END)
        strncat(t->text, data.p, data.n);
    fastcgi_took(&t->reader, in,
                 event == CGI_SAW_END ? t->reader.data.n - data.n
                                      : t->reader.data.n);
}


/* What the first n bytes tell, and then the others. */
static void
read_cut(struct told *t, size_t n)
{
    struct arena      *a = arena_new(0);
    size_t             end[] = { n, sizeof(input) - 1 };
    const char        *from = input;
    enum fastcgi_event event = FASTCGI_WANTS_MORE;

    for (unsigned i = 0; i < 2; i++) {
        str_t in = str_span(from, input + end[i]);

        do {
            event = fastcgi_next(&t->reader, &in);
            if (event == FASTCGI_SAW_DATA)
                take(t, a, &in);
            if (event == FASTCGI_SAW_END)
                strcat(t->text, "/");
        } while (event != FASTCGI_WANTS_MORE && event != FASTCGI_SAW_BROKEN
                 && !(event == FASTCGI_SAW_END && in.n == 0));
        from = in.p;
    }
    arena_free(a);
}


static void
test_cuts(void)
{
    static struct told whole;
    unsigned           wrong = 0;

    read_cut(&whole, 0);
    is_str(str_of(whole.text), "/Status|404 No|/X|y|hel/lo//",
           "what an application says");
    for (size_t n = 1; n < sizeof(input) - 1; n++) {
        struct told t = { .has_head = false };

        read_cut(&t, n);
        wrong += strcmp(t.text, whole.text) != 0;
    }
    is((int) wrong, 0, "the same, cut at each byte");
}


static void
test_pairs(void)
{
    static char text[300];
    char        out[400];
    str_t       name = STR("NAME"), value = { text, sizeof(text) };

    is((int) (params_put_fastcgi(out, name, value) - out), 1 + 4 + 4 + 300,
       "the size of a pair");
    ok(memcmp(out, "\4\200\0\1\54NAME", 9) == 0, "with its lengths");
    is((int) (params_put_fastcgi(out, STR(""), (str_t){ text, 127 }) - out),
       129, "127 is a length of one byte");
    is((int) (params_put_fastcgi(out, (str_t){ text, 128 }, STR("")) - out),
       133, "128 is one of four");
}


static void
test_status(void)
{
    static const struct {
        const char *value;
        unsigned    status;
        const char *reason;
    } cases[] = {
        { "200", 200, "" },  { "404 Not Found", 404, "Not Found" },
        { "999 ", 999, "" }, { "99", 0, NULL },
        { "199", 0, NULL },  { "100 Continue", 0, NULL },
        { "2000", 0, NULL }, { "20x", 0, NULL },
        { "", 0, NULL },     { " 200", 0, NULL },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        str_t reason = STR("");

        is((int) cgi_status(str_of(cases[i].value), &reason),
           (int) cases[i].status, "\"%s\"", cases[i].value);
        if (cases[i].reason)
            is_str(reason, cases[i].reason, "its text");
    }
}


int
main(void)
{
    test_cuts();
    test_pairs();
    test_status();
    return done();
}
