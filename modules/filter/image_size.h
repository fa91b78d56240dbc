/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The type of an image, and its width and height, by its first bytes.  Pure.
 */
#pragma once

#include "core/base/str.h"

enum image_type { IMAGE_NONE, IMAGE_JPEG, IMAGE_GIF, IMAGE_PNG, IMAGE_WEBP };

enum { IMAGE_MAGIC = 16 }; /* bytes that tell the type                       */

enum image_type image_type_of(str_t in);
/* False: it is broken, or a side is 0. */
bool image_size_of(enum image_type type, str_t in, unsigned *width,
                   unsigned *height);
