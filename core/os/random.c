/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one source of randomness that others see.
 */
#include "core/os/random.h"

#include <sys/random.h>
#include <sys/types.h>

#include "core/base/check.h"


void
random_fill(void *out, size_t n)
{
    ssize_t got = getrandom(out, n, 0);

    /* Up to 256 bytes come whole, signals or not; an old kernel has none. */
    CHECK(got == (ssize_t) n);
}
