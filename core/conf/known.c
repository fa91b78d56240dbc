/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of core/conf/known.h, from the list that configure made. */
#include "core/conf/known.h"

#include "core/base/check.h"

const char *const known_directives[] = {
#define KNOWN(name) name,
#include <known.h>
#undef KNOWN
};

const size_t known_directives_count = countof(known_directives);
