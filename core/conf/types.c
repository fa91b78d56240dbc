/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that most directives have.  Texts of errors are nginx's.
 */
#include "core/conf/types.h"
#include "core/conf/reader.h"


static const char *
invalid_value(struct conf *cf)
{
    return conf_error(cf, "\"" STR_F "\" directive invalid value",
                      STR_A(cf->args[0]));
}


/* --- on and off ------------------------------------------------------------ */

static const char *
parse_flag(struct conf *cf, void *field)
{
    static const char *const words[] = { "on", "off", NULL };
    str_t                    v = cf->args[1];
    bool                    *flag = field;

    if (str_ieq(v, STR("on"))) {
        *flag = true;
    } else if (str_ieq(v, STR("off"))) {
        *flag = false;
    } else {
        conf_suggest(cf, v, words);
        return conf_error(cf,
                          "invalid value \"" STR_F "\" in \"" STR_F
                          "\" directive, it must be \"on\" or \"off\"",
                          STR_A(v), STR_A(cf->args[0]));
    }
    return NULL;
}


const struct conf_type conf_flag = {
    .name = "flag",
    .size = sizeof(bool),
    .parse = parse_flag,
    .syntax = "on | off",
};


/* --- numbers ------------------------------------------------------------ */

static const char *
parse_size(struct conf *cf, void *field)
{
    uint64_t n;

    if (!number_size(cf->args[1], false, &n) || n > SIZE_MAX / 2)
        return invalid_value(cf);
    *(size_t *) field = (size_t) n;
    return NULL;
}


const struct conf_type conf_size = {
    .name = "size",
    .size = sizeof(size_t),
    .parse = parse_size,
    .syntax = "size",
};


static const char *
parse_offset(struct conf *cf, void *field)
{
    if (!number_size(cf->args[1], true, field))
        return invalid_value(cf);
    return NULL;
}


const struct conf_type conf_offset = {
    .name = "offset",
    .size = sizeof(uint64_t),
    .parse = parse_offset,
    .syntax = "size",
};


static const char *
parse_msec(struct conf *cf, void *field)
{
    uint64_t n;

    if (!number_time(cf->args[1], false, &n))
        return invalid_value(cf);
    *(msec_t *) field = n;
    return NULL;
}


const struct conf_type conf_msec = {
    .name = "time",
    .size = sizeof(msec_t),
    .parse = parse_msec,
    .syntax = "time",
};


static const char *
parse_sec(struct conf *cf, void *field)
{
    if (!number_time(cf->args[1], true, field))
        return invalid_value(cf);
    return NULL;
}


const struct conf_type conf_sec = {
    .name = "seconds",
    .size = sizeof(uint64_t),
    .parse = parse_sec,
    .syntax = "time",
};


static const char *
parse_number(struct conf *cf, void *field)
{
    const struct conf_range *range = cf->row->detail;
    uint64_t                *n = field;

    if (!number_parse(cf->args[1], INT64_MAX, n))
        return conf_error(cf, "\"" STR_F "\" directive invalid number",
                          STR_A(cf->args[0]));
    if (range == NULL)
        return NULL;
    if (*n < range->min && range->max == UINT64_MAX)
        return conf_error(cf, "value must be equal to or greater than %ju",
                          (uintmax_t) range->min);
    if (*n < range->min || *n > range->max)
        return conf_error(cf, "value must be between %ju and %ju",
                          (uintmax_t) range->min, (uintmax_t) range->max);
    return NULL;
}


const struct conf_type conf_number = {
    .name = "number",
    .size = sizeof(uint64_t),
    .parse = parse_number,
    .syntax = "number",
};


/* --- words ------------------------------------------------------------ */

static const char *
unknown_word(struct conf *cf, str_t given, const struct conf_word *words)
{
    VEC(const char *) names = { 0 };

    for (; words->name != NULL; words++)
        *vec_push(cf->reader->arena, &names) = words->name;
    *vec_push(cf->reader->arena, &names) = NULL;
    conf_suggest(cf, given, names.at);
    return conf_error(cf, "invalid value \"" STR_F "\"", STR_A(given));
}


static const struct conf_word *
find_word(str_t given, const struct conf_word *words)
{
    for (; words->name != NULL; words++)
        if (str_ieq(given, str_of(words->name)))
            return words;
    return NULL;
}


static const char *
parse_enum(struct conf *cf, void *field)
{
    const struct conf_word *w = find_word(cf->args[1], cf->row->detail);

    if (w == NULL)
        return unknown_word(cf, cf->args[1], cf->row->detail);
    *(unsigned *) field = w->value;
    return NULL;
}


const struct conf_type conf_enum
    = { .name = "enum", .size = sizeof(unsigned), .parse = parse_enum };


static const char *
parse_bits(struct conf *cf, void *field)
{
    const struct conf_word *w;
    unsigned               *bits = field, i;

    for (i = 1; i < cf->n_args; i++) {
        w = find_word(cf->args[i], cf->row->detail);
        if (w == NULL)
            return unknown_word(cf, cf->args[i], cf->row->detail);
        /* words that exclude each other share a bit: the first one holds */
        if (*bits & w->value)
            conf_warn(cf, "duplicate value \"" STR_F "\"", STR_A(cf->args[i]));
        else
            *bits |= w->value;
    }
    return NULL;
}


const struct conf_type conf_bits
    = { .name = "bits", .size = sizeof(unsigned), .parse = parse_bits };


/* --- texts ------------------------------------------------------------ */

static const char *
parse_text(struct conf *cf, void *field)
{
    *(str_t *) field = cf->args[1];
    return NULL;
}


const struct conf_type conf_text
    = { .name = "text", .size = sizeof(str_t), .parse = parse_text };


static const char *
parse_path(struct conf *cf, void *field)
{
    *(str_t *) field = conf_path_prefix(cf, cf->args[1]);
    return NULL;
}


const struct conf_type conf_path = {
    .name = "path",
    .size = sizeof(str_t),
    .parse = parse_path,
    .syntax = "path",
};


static const char *
parse_conf_file(struct conf *cf, void *field)
{
    *(str_t *) field = conf_path_conf(cf, cf->args[1]);
    return NULL;
}


const struct conf_type conf_conf_file = {
    .name = "file",
    .size = sizeof(str_t),
    .parse = parse_conf_file,
    .syntax = "file",
};


static const char *
parse_texts(struct conf *cf, void *field)
{
    struct texts *t = field;
    unsigned      i;

    for (i = 1; i < cf->n_args; i++)
        *vec_push(cf->arena, &t->list) = cf->args[i];
    return NULL;
}


const struct conf_type conf_texts = {
    .name = "texts",
    .size = sizeof(struct texts),
    .parse = parse_texts,
    .syntax = "string ...",
};


static const char *
parse_pairs(struct conf *cf, void *field)
{
    struct pairs *p = field;

    *vec_push(cf->arena, &p->list) = (struct pair){ cf->args[1], cf->args[2] };
    return NULL;
}


const struct conf_type conf_pairs = {
    .name = "pairs",
    .size = sizeof(struct pairs),
    .parse = parse_pairs,
    .syntax = "name value",
};


/* --- buffers and folders ------------------------------------------------- */

static const char *
parse_buffers(struct conf *cf, void *field)
{
    struct buffers *b = field;
    uint64_t        n, size;

    if (!number_parse(cf->args[1], 1 << 24, &n) || n == 0
        || !number_size(cf->args[2], false, &size) || size == 0
        || size > SIZE_MAX / 2)
        return invalid_value(cf);
    b->n = (size_t) n;
    b->size = (size_t) size;
    return NULL;
}


const struct conf_type conf_buffers = {
    .name = "buffers",
    .size = sizeof(struct buffers),
    .parse = parse_buffers,
    .syntax = "number size",
};


static const char *
parse_temp_path(struct conf *cf, void *field)
{
    struct temp_path *t = field;
    str_t             path = conf_path_prefix(cf, cf->args[1]);
    uint64_t          n, sum = 0;
    unsigned          i;

    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    t->path = str_copy(cf->arena, path);
    t->n_levels = 0;
    for (i = 2; i < cf->n_args; i++) {
        if (!number_parse(cf->args[i], TEMP_DIGITS, &n) || n == 0
            || (sum += n) > TEMP_DIGITS)
            return conf_error(cf, "\"" STR_F "\" directive invalid value",
                              STR_A(cf->args[0]));
        t->levels[t->n_levels++] = (uint8_t) n;
    }
    return NULL;
}


const struct conf_type conf_temp_path = {
    .name = "temp path",
    .size = sizeof(struct temp_path),
    .parse = parse_temp_path,
    .syntax = "path [level1 [level2 [level3]]]",
};


/* --- without effect ------------------------------------------------------- */

static const char *
parse_nothing(struct conf *cf, void *field)
{
    const struct directive *row = cf->row;
    const struct conf_type *type = row->detail;
    struct directive        plain = *row;
    const char             *error;

    (void) field;
    plain.detail = NULL;
    cf->row = &plain;
    error = type->parse(cf, arena_zalloc(cf->reader->arena, type->size));
    cf->row = row;
    return error;
}


const struct conf_type conf_nothing
    = { .name = "nothing", .parse = parse_nothing };


static const char *
parse_obsolete(struct conf *cf, void *field)
{
    (void) field;
    if (cf->row->detail == NULL)
        conf_warn(cf, "the \"" STR_F "\" directive is obsolete, ignored",
                  STR_A(cf->args[0]));
    else
        conf_warn(cf,
                  "the \"" STR_F "\" directive is obsolete, use the \"%s\" "
                  "directive instead",
                  STR_A(cf->args[0]), (const char *) cf->row->detail);
    return NULL;
}


const struct conf_type conf_obsolete
    = { .name = "obsolete", .parse = parse_obsolete };

/* Read by core/conf/read.c itself. */
const struct conf_type conf_block_type = { .name = "block" };
const struct conf_type conf_data = { .name = "data" };


/* --- helpers of types ------------------------------------------------------ */

bool
conf_param(str_t arg, const char *name, str_t *value)
{
    size_t n = strlen(name);

    if (arg.n <= n || memcmp(arg.p, name, n) != 0 || arg.p[n] != '=')
        return false;
    *value = str_from(arg, n + 1);
    return true;
}


bool
conf_cidr(struct conf *cf, str_t text, struct cidr *out)
{
    enum cidr_verdict verdict = cidr_parse(text, out);

    if (verdict == CIDR_LOW_BITS)
        conf_warn(cf, "low address bits of " STR_F " are meaningless",
                  STR_A(text));
    return verdict != CIDR_BAD;
}


const char *
conf_network(struct conf *cf, str_t text, struct cidr *out)
{
    if (!conf_cidr(cf, text, out) || out->family == AF_UNIX)
        return conf_error(cf, "invalid network \"" STR_F "\"", STR_A(text));
    return NULL;
}
