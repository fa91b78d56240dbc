/* SPDX-License-Identifier: BSD-2-Clause */
/* What a worker says about its disk caches (struct module, answer). */
#pragma once

#include "core/base/json_text.h"
#include "core/net/worker.h"

bool disk_answer(struct worker *w, str_t what, str_t line, struct json_text *t);
