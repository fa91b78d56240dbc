/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser of SSI commands, with the input cut at every byte. */
#include "t/unit/tap.h"

#include "core/base/check.h"
#include "modules/filter/ssi_parse.h"

static struct arena *arena;


static void
note(char *out, size_t room, const struct ssi_parser *p, enum ssi_event event)
{
    size_t   n = strlen(out);
    unsigned i;

    switch (event) {
    case SSI_TEXT:
        snprintf(out + n, room - n, STR_F, STR_A(p->text));
        break;
    case SSI_COMMAND:
        n += (size_t) snprintf(out + n, room - n, "{" STR_F,
                               STR_A(p->command.name));
        for (i = 0; i < p->command.n; i++)
            n += (size_t) snprintf(out + n, room - n, " " STR_F "=" STR_F,
                                   STR_A(p->command.params[i].name),
                                   STR_A(p->command.params[i].value));
        snprintf(out + n, room - n, "}");
        break;
    case SSI_FAULT:
        snprintf(out + n, room - n, "{!}");
        break;
    case SSI_BAD:
        snprintf(out + n, room - n, "{?}");
        break;
    case SSI_MORE:
        break;
    }
}


/* What a text becomes, cut at first and then each part bytes. */
static void
parse(str_t in, size_t first, size_t part, char *out, size_t room)
{
    struct ssi_parser p;
    enum ssi_event    event;
    str_t             piece;

    ssi_parser_init(&p, arena, 20);
    out[0] = '\0';
    for (; in.n != 0; in = str_from(in, first), first = part) {
        if (first > in.n)
            first = in.n;
        piece = (str_t){ in.p, first };
        while ((event = ssi_parse(&p, &piece)) != SSI_MORE)
            note(out, room, &p, event);
        CHECK(piece.n == 0);
    }
    strncat(out, ssi_parser_rest(&p).p, ssi_parser_rest(&p).n);
}


static void
test(const char *in, const char *want)
{
    char   got[4096];
    size_t i, n = strlen(in), bad = 0;

    arena = arena_new(0);
    parse(str_of(in), n + 1, n + 1, got, sizeof(got));
    is_text(got, want, "%s", in);
    for (i = 1; i <= n; i++) {
        parse(str_of(in), i, n, got, sizeof(got));
        bad += strcmp(got, want) != 0;
        parse(str_of(in), i, i, got, sizeof(got));
        bad += strcmp(got, want) != 0;
    }
    is(bad, 0, "... however it is cut");
    arena_free(arena);
}


int
main(void)
{
    test("text", "text");
    test("a<!--#echo var=\"x\" -->b", "a{echo var=x}b");
    test("a<!--# echo\tvar = 'x'\n default=\"y z\"-->b",
         "a{echo var=x default=y z}b");
    test("<<!--#x--><!<!--#y--><!-<!--#z-->", "<{x}<!{y}<!-{z}");
    test("a<!-- no --><b><!--", "a<!-- no --><b><!--");
    test("<!--#set var=\"a\\\"b\" value='\\'\\\\' -->",
         "{set var=a\\\"b value=\\'\\\\}");
    test("a<!--#echo var=x -->b-->c", "a{!}{?}b-->c");
    test("a<!--#echo var= -->b", "a{!}{?}b");
    test("a<!--#echo var-->b", "a{!}{?}b");
    test("a<!--#echo var=\"x\"y -->b", "a{!}{?}b");
    test("a<!--#-->b-->c", "a{!}{?}c");
    test("a<!--#echo ---->b--->c", "a{!}{?}c");
    test("a<!--#echo - -->b-->c", "a{!}{?}b-->c");
    test("a<!--#echo var=\"12345678901234567890\" -->b", "a{!}{?}b");
    test("a<!--#echo var=\"1234567890123456789\" -->b",
         "a{echo var=1234567890123456789}b");
    test("a<!--#123456789012345678901234567890123 -->b", "a{!}{?}b");
    test("a<!--#x 123456789012345678901234567890123=\"\" -->b", "a{!}{?}b");
    test("a<!--#x a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' "
         "m='' n='' o='' p='' -->b",
         "a{x a= b= c= d= e= f= g= h= i= j= k= l= m= n= o= p=}b");
    test("a<!--#x a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' "
         "m='' n='' o='' p='' q='' -->b",
         "a{!}{?}b");
    test("a<!--#echo var=\"x\"", "a");
    return done();
}
