/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split_clients: a variable that divides the values of an expression into
 * shares, by their hash.
 *
 *     split_clients "$remote_addr" $variant { 10% new; * old; }
 */
#include "modules/module.h"

enum { WHOLE = 10000 }; /* 100.00% */

struct share {
    uint32_t below; /* hashes below it; 0: all that are left                 */
    unsigned percent; /* in 1/100 percent; 0: "*"                            */
    str_t    value;
};

struct split {
    struct expr          *source;
    const struct setting *setting;
    str_t                 name;
    VEC(struct share)     shares;
};


static uint32_t
word_at(const unsigned char *p)
{
    return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16
           | (uint32_t) p[3] << 24;
}


/* MurmurHash2 with seed 0, as in nginx, so that clients keep their shares. */
static uint32_t
murmur2(str_t s)
{
    const uint32_t       factor = 0x5bd1e995;
    const unsigned char *p = (const unsigned char *) s.p;
    uint32_t             h = (uint32_t) s.n, k;
    size_t               n;

    for (n = s.n; n >= 4; n -= 4, p += 4) {
        k = word_at(p) * factor;
        k = (k ^ k >> 24) * factor;
        h = (h * factor) ^ k;
    }
    if (n != 0) {
        while (n-- != 0)
            h ^= (uint32_t) p[n] << 8 * n;
        h *= factor;
    }
    h = (h ^ h >> 13) * factor;
    return h ^ h >> 15;
}


static str_t
choose(struct task *t, uintptr_t arg)
{
    const struct split *split = (const struct split *) arg;
    uint32_t            hash = murmur2(expr_eval(split->source, t));
    str_t               value = STR("");

    VEC_EACH(&split->shares, it) {
        if (hash < it->below || it->below == 0) {
            value = it->value;
            break;
        }
    }
    if (task_is_dry(t))
        trace_value(t, split->setting, split->name, value);
    return value;
}


static const char *
open_split(struct conf *cf, void *field, void **state)
{
    struct split *split = arena_make(cf->arena, struct split);
    const char   *error = NULL;
    struct var   *v;

    (void) field;
    split->source = expr_compile(cf, cf->args[1], 0, &error);
    if (split->source == NULL)
        return conf_error(cf, "%s", error);
    v = var_define_word(cf, cf->args[2], VAR_CHANGEABLE, &error);
    if (v == NULL)
        return error;
    split->setting = cf->block->settings;
    split->name = v->name;
    v->get = choose;
    v->arg = (uintptr_t) split;
    *state = split;
    return NULL;
}


/* Parses digits, with up to two more after a point, as hundredths of a
 * percent; 0 when it is no such number. */
static unsigned
parse_percent(str_t s)
{
    str_t    rest = s, whole = str_cut(&rest, '.');
    uint64_t n = 0, part = 0;

    if (rest.n > 2 || (whole.n != 0 && !number_parse(whole, WHOLE, &n))
        || (rest.n != 0 && !number_parse(rest, 99, &part)))
        return 0;
    if (rest.n == 1)
        part *= 10;
    return (unsigned) (n * 100 + part);
}


static const char *
read_share(struct conf *cf, void *state)
{
    struct split *split = state;
    struct share  share = { .percent = 0 };
    str_t         s = cf->args[0];

    if (cf->n_args != 2)
        return conf_error(cf, "invalid number of the split_clients parameters");
    if (!str_is(s, "*")) {
        if (s.n != 0 && s.p[s.n - 1] == '%') {
            s.n--;
            share.percent = parse_percent(s);
        }
        if (share.percent == 0)
            return conf_error(cf, "invalid percent value \"" STR_F "\"",
                              STR_A(cf->args[0]));
    }
    share.value = str_copy(cf->arena, cf->args[1]);
    *vec_push(cf->arena, &split->shares) = share;
    return NULL;
}


static const char *
close_split(struct conf *cf, void *state)
{
    struct split *split = state;
    uint64_t      sum = 0, below = 0;

    VEC_EACH(&split->shares, it) {
        sum = it->percent ? sum + it->percent : WHOLE;
        if (sum > WHOLE)
            return conf_error(cf, "percent total is greater than 100%%");
        if (it->percent == 0)
            continue;
        below += it->percent * (uint64_t) UINT32_MAX / WHOLE;
        it->below = (uint32_t) below;
    }
    return NULL;
}


static const struct conf_lines split_lines = {
    .open = open_split,
    .line = read_share,
    .close = close_split,
};

static const struct directive directives[] = {
    { "split_clients", IN_HTTP | IN_STREAM | ROW_MANY,
      ARGS_2 | ARGS_BLOCK | ARGS_DATA, &conf_data, 0, NULL, &split_lines,
      "string $variable",
      "Defines a variable that distributes values by the hash (MurmurHash2) "
      "of a text: each line has a percentage, or * for the rest, and a value." },
    { .name = NULL },
};

extern struct module split_clients_module;

struct module split_clients_module = {
    .name = "split_clients",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
