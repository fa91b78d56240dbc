/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables: named values of a task, evaluated when something reads them and
 * kept until the task ends, unless they are volatile.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/task.h"

enum variable_flag {
    VAR_VOLATILE = 1, /* evaluated at every use                              */
    VAR_PREFIX = 2,   /* a family: name is the common prefix, and arg points to
                         a str_t with the rest, lower-cased */
    VAR_CHANGEABLE = 4, /* set, map, geo ... may define it                   */
    VAR_WEAK = 8,      /* a definition that does not replace a family: until it
                          is set, the family's value is used */
    VAR_AT_HAND = 16,  /* of a row that is volatile or has one value: get only
                          looks it up, and needs no other variable, so that
                          nothing is kept in the task */
};

/*
 * A row of a module's table.  get returns text that lives as long as the task
 * (in its arena, or longer).  STR_NONE (p NULL) means "not set", which logs
 * print as "-"; an empty text has p set.
 */
struct variable {
    const char *name;
    str_t     (*get)(struct task *, uintptr_t arg);
    uintptr_t   arg;
    unsigned    flags;
    void      (*set)(struct task *, str_t value, uintptr_t arg); /* or NULL  */
    const char *says; /* its meaning, in a sentence                          */
};

/* A variable that this configuration uses. */
struct var {
    str_t       name;
    unsigned    index;   /* in task->values                                  */
    unsigned    flags;
    str_t     (*get)(struct task *, uintptr_t arg);
    void      (*set)(struct task *, str_t value, uintptr_t arg);
    uintptr_t   arg;
    bool        is_known; /* it is defined somewhere                         */
    const char *file;    /* the first use, for messages                      */
    unsigned    line;
};

struct value {
    str_t   s;
    uint8_t is_set; /* enum value_state */
};

enum value_state {
    VALUE_UNSET,
    VALUE_KEPT,    /* valid until the task ends or it is set again           */
    VALUE_PASSING, /* of a volatile variable: its previous value             */
    VALUE_BUSY,    /* is being evaluated: reading it now is a cycle          */
    VALUE_BAD,     /* could not be evaluated, and is not tried again         */
};

/* The expressions of the kind at hand that were compiled with these flags of
 * enum expr_flag, by their texts. */
enum { EXPR_KINDS = 4 };
struct hash *vars_exprs(struct conf *cf, unsigned flags);
/* How many slots task->values has; known after vars_resolve. */
size_t vars_count(const struct generation *g, enum serves_kind kind);
/* Creates task->values where it does not exist yet: call it before a subrequest
 * takes over the pointer. */
void vars_prepare(struct task *t);

/* The variable of that name (without "$"), to be read; whether it exists is
 * checked when all is read. */
struct var *var_use(struct conf *cf, str_t name);

/* Defines a variable of the configuration (set, map, captures).  NULL with
 * *error set when the name belongs to a variable that must not be changed ("the
 * duplicate "uri" variable") or is invalid.  The caller sets get, set and arg
 * unless an earlier definition did. */
struct var *var_define(struct conf *cf, str_t name, unsigned flags,
                       const char **error);

/* The same for a word "$name"; *error is made by conf_error. */
struct var *var_define_word(struct conf *cf, str_t word, unsigned flags,
                            const char **error);

/* After everything has been read: finds the used variables in the modules'
 * tables and families; unknown ones are reported by conf_error_bare. */
void vars_resolve(struct conf *cf);
extern struct module vars_module; /* so that this happens */

/* The value, evaluated or cached.  Never call it before vars_resolve.  It may
 * be STR_NONE, which counts as empty in texts. */
str_t var_get(struct task *t, const struct var *v);
/* Sets it for this task (through its set hook where it has one). */
void  var_put(struct task *t, const struct var *v, str_t value);

/* The same past the hook: captures with a name. */
void  var_store(struct task *t, const struct var *v, str_t value);

/* A get that always returns STR_NONE: for variables that only captures set. */
str_t var_none(struct task *t, uintptr_t arg);

/* The number of bytes at the start of s that make up a variable's name. */
size_t var_name_length(str_t s);

/* For a get that cannot determine its value (a match ended in an error, which
 * has been logged), and must not pretend that there was no match: marks the
 * task as failed, and returns STR_NONE. */
str_t var_fail(struct task *t);

/* By name at run time (SSI): NULL when this configuration has no such. */
const struct var *var_find(const struct generation *g, enum serves_kind kind,
                           str_t name);

/* The value of the one with that name, in any case, also where this
 * configuration does not use it; STR_NONE: it is not set, or there is none. */
str_t var_named(struct task *t, str_t name);
