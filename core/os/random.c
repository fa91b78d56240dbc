/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only source of randomness that is visible to others.
 */
#include "core/os/random.h"

#include <sys/random.h>
#include <sys/types.h>

#include "core/base/check.h"


void
random_fill(void *out, size_t n)
{
    ssize_t got = getrandom(out, n, 0);

    /* Up to 256 bytes are returned completely, even with signals; it fails
     * only on an old kernel that lacks the call. */
    CHECK(got == (ssize_t) n);
}
