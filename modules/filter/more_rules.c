/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads more_set_headers and its siblings, and merges the rules of outer and
 * inner blocks.
 */
#include "modules/filter/more_rules.h"

const unsigned more_kinds[] = {
    0,
    HEADER_RULES_CLEAR,
    HEADER_RULES_INPUT,
    HEADER_RULES_INPUT | HEADER_RULES_CLEAR,
};


/* Only the server itself decides where bodies end. */
static bool
is_framing(enum field_id id, unsigned kind)
{
    return id == FIELD_TRANSFER_ENCODING
           || (id == FIELD_CONTENT_LENGTH && (kind & HEADER_RULES_INPUT));
}


static const char *
parse_rules(struct conf *cf, void *field)
{
    struct more_list    *own = field;
    struct more_rules   *one = vec_push(cf->arena, &own->list);
    struct header_rules *rules = &one->rules;
    unsigned             kind = *(const unsigned *) cf->row->detail;
    const char          *error;

    one->setting = cf->block->settings;
    error = header_rules_parse(cf->arena, rules, kind, cf->args, cf->n_args);
    if (error != NULL)
        return conf_error(cf, "%s", error);
    VEC_EACH(&rules->list, rule) {
        if (is_framing(rule->id, kind))
            conf_warn(cf, "\"" STR_F "\" is never changed, the rule is ignored",
                      STR_A(rule->name));
        if (rule->text.n == 0)
            continue;
        rule->value = expr_compile(cf, rule->text, 0, &error);
        if (rule->value == NULL)
            return conf_error(cf, "%s", error);
    }
    return NULL;
}


/* more_ready does the inheriting. */
static void
leave(struct conf *cf, void *field, const void *outer)
{
    (void) cf;
    (void) field;
    (void) outer;
}


static void
note_outer(struct conf *cf, void *field, const void *outer)
{
    const struct more_conf **slot = field;
    const char *conf = (const char *) outer - offsetof(struct more_conf, outer);

    (void) cf;
    *slot = (const struct more_conf *) (const void *) conf;
}


const char *
more_ready(struct conf *cf, void *conf)
{
    struct more_conf *c = conf;

    if (c->own.list.n == 0 && c->outer != NULL) {
        c->all = c->outer->all;
        return NULL;
    }
    if (c->outer != NULL)
        VEC_EACH(&c->outer->all.list, theirs)
            *vec_push(cf->arena, &c->all.list) = *theirs;
    VEC_EACH(&c->own.list, mine)
        *vec_push(cf->arena, &c->all.list) = *mine;
    return NULL;
}


const struct conf_type more_rules_type = { .name = "header rules",
                                           .size = sizeof(struct more_list),
                                           .parse = parse_rules,
                                           .inherit = leave };

const struct conf_type more_outer_type
    = { .name = "outer", .inherit = note_outer };
