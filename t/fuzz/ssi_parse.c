/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSI commands in any text: the same is told however the text is cut, and all
 * of it is told.  The first byte says how long the pieces are.
 */
#include "core/base/check.h"
#include "modules/filter/ssi_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUE_MAX = 40, IN_MAX = 8192 };

/* A digest of what is told, in which texts are joined. */
struct told {
    uint64_t digest;
    size_t   text, commands;
};


static void
tell_word(struct told *t, str_t s)
{
    t->digest = str_mix(t->digest, s);
    t->digest = str_mix(t->digest, STR("|"));
}


/* Its parts do not matter. */
static void
tell_text(struct told *t, str_t s)
{
    for (t->text += s.n; s.n != 0; s = str_from(s, 1))
        t->digest = str_mix(t->digest, (str_t){ s.p, 1 });
}


static void
note(struct told *t, const struct ssi_parser *p, enum ssi_event event)
{
    unsigned i;

    switch (event) {
    case SSI_TEXT:
        CHECK(p->text.n != 0);
        tell_text(t, p->text);
        break;
    case SSI_COMMAND:
        t->commands++;
        CHECK(p->command.n <= SSI_PARAMS_MAX);
        CHECK(p->command.name.n <= SSI_NAME_MAX);
        tell_word(t, p->command.name);
        for (i = 0; i < p->command.n; i++) {
            CHECK(p->command.params[i].value.n < VALUE_MAX);
            tell_word(t, p->command.params[i].name);
            tell_word(t, p->command.params[i].value);
        }
        break;
    case SSI_FAULT:
        tell_word(t, p->fault);
        break;
    case SSI_BAD:
        tell_word(t, STR("bad"));
        break;
    case SSI_MORE:
        break;
    }
}


static struct told
parse(struct arena *a, str_t in, size_t part)
{
    struct ssi_parser p;
    struct told       t = { 0 };
    enum ssi_event    event;
    str_t             piece;

    ssi_parser_init(&p, a, VALUE_MAX);
    for (; in.n != 0; in = str_from(in, part)) {
        if (part > in.n)
            part = in.n;
        piece = (str_t){ in.p, part };
        while ((event = ssi_parse(&p, &piece)) != SSI_MORE)
            note(&t, &p, event);
        CHECK(piece.n == 0);
    }
    tell_text(&t, ssi_parser_rest(&p));
    return t;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a;
    struct told   whole, cut;
    str_t         in = { (const char *) data, size };

    if (size < 2)
        return 0;
    in = str_from(in, 1);
    if (in.n > IN_MAX)
        in.n = IN_MAX;
    a = arena_new(0);
    whole = parse(a, in, in.n);
    cut = parse(a, in, 1u + data[0] % 16);
    CHECK(whole.digest == cut.digest && whole.text == cut.text
          && whole.commands == cut.commands && whole.text <= in.n);
    arena_free(a);
    return 0;
}
