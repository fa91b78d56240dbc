/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images that become others: smaller, cut, turned.  By libgd.
 */
#pragma once

#include "core/base/chain.h"
#include "core/log/log.h"
#include "modules/filter/image_size.h"

/* The most that is decoded: an image takes four bytes of memory for each. */
enum { IMAGE_PIXELS = 32 * 1024 * 1024 };

struct image_plan {
    enum { IMAGE_RESIZE, IMAGE_CROP, IMAGE_ROTATE } what;
    unsigned width, height; /* at most; UINT32_MAX: any                      */
    unsigned angle;         /* 0, 90, 180 or 270, counter-clockwise          */
    unsigned jpeg_quality, webp_quality, sharpen;
    bool     keeps_transparency, is_interlaced;
};

/* The image in that format, with one reference; NULL, logged: it is broken, too
 * large, or there is no memory. */
struct block *image_work(const struct image_plan *plan, enum image_type type,
                         str_t in, const struct log *log);
