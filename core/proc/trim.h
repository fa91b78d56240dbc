/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that a burst of connections or streams leaves behind. */
#pragma once

#include "core/event/loop.h"

/* Zeroed, at first. */
struct trim {
    struct timer timer;
    size_t       then; /* what had been freed at the last look               */
};

/* Behind each turn of the loop: sees to it that the system has back what was
 * freed, when the burst is over. */
void trim_look(struct trim *t, struct loop *l);
