/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The targets of error_log.  They belong to the arena of their generation.
 */
#include "core/log/target.h"

#include "core/base/number.h"


static const char *
open_ring(struct arena *a, str_t size_text, struct log_ring *ring)
{
    uint64_t size;

    if (size_text.n == 0 || !number_size(size_text, false, &size) || size == 0)
        return "invalid buffer size";
    ring->p = arena_zalloc(a, size);
    ring->size = size;
    return NULL;
}


struct log_target *
log_target_new(struct arena *a, str_t spec, struct log_file *file,
               enum log_level level, const char **error)
{
    struct log_target *t = arena_make(a, struct log_target);

    *error = NULL;
    t->level = level;
    if (str_is(spec, "stderr")) {
        t->kind = TARGET_STDERR;
    } else if (str_starts(spec, STR("syslog:"))) {
        t->kind = TARGET_SYSLOG;
        t->syslog = syslog_open(a, str_from(spec, 7), error);
    } else if (str_starts(spec, STR("memory:"))) {
        t->kind = TARGET_MEMORY;
        *error = open_ring(a, str_from(spec, 7), &t->ring);
        if (*error != NULL)
            *error = arena_printf(a, "invalid buffer size \"" STR_F "\"",
                                  STR_A(str_from(spec, 7)))
                         .p;
    } else {
        t->kind = TARGET_FILE;
        t->file = file;
    }
    return *error == NULL ? t : NULL;
}


enum log_level
log_target_level(const struct log_target *t)
{
    return t->level;
}


void
log_target_set_json(struct log_target *t)
{
    t->is_json = true;
}
