/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types and sizes of images, also of those that end anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "modules/filter/image_size.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size != 0 ? size : 1); /* nothing follows it */
    str_t in = { copy, size };
    enum image_type type;
    unsigned        w, h;

    CHECK(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    type = image_type_of(in);
    if (image_size_of(type, in, &w, &h)) {
        CHECK(type != IMAGE_NONE && w != 0 && h != 0);
        CHECK(w <= 1 << 24 && h <= 1 << 24);
    }
    free(copy);
    return 0;
}
