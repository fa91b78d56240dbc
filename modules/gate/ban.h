/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the ban module share.
 */
#pragma once

#include "core/base/json_text.h"
#include "modules/gate/ban_file.h"
#include "modules/gate/ban_key.h"

struct ban_main {
    struct limit_zones zones;
    str_t              folder; /* for their files; or empty                  */
};

extern struct module ban_module;

/* ban_answer.c: the hook of the module for `weir ban`. */
bool ban_answer(struct worker *w, str_t what, str_t line, struct json_text *t);

/* ban_keep.c: writing files later.  What ban_changed is told of a change is
 * written soon. */
bool ban_adopt(struct worker *w, struct generation *g);
void ban_stop(struct worker *w);
void ban_changed(const struct generation *g);
/* At once. */
void ban_save(const struct generation *g);
