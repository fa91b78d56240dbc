/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the formats say: JPEG (ITU T.81, B.2.2), GIF89a, PNG (section 11.2.2),
 * WebP (VP8, VP8L and VP8X chunks).  Sides of PNG above 65535 are refused.
 */
#include "modules/filter/image_size.h"


static unsigned
byte_at(str_t in, size_t i)
{
    return (uint8_t) in.p[i];
}


static unsigned
big16(str_t in, size_t i)
{
    return byte_at(in, i) << 8 | byte_at(in, i + 1);
}


static unsigned
little16(str_t in, size_t i)
{
    return byte_at(in, i + 1) << 8 | byte_at(in, i);
}


enum image_type
image_type_of(str_t in)
{
    if (in.n < IMAGE_MAGIC)
        return IMAGE_NONE;
    if (str_starts(in, STR("\xff\xd8")))
        return IMAGE_JPEG;
    if (str_starts(in, STR("GIF8")) && (in.p[4] == '7' || in.p[4] == '9')
        && in.p[5] == 'a')
        return IMAGE_GIF;
    if (str_starts(in, STR("\x89PNG\r\n\x1a\n")))
        return IMAGE_PNG;
    if (str_starts(in, STR("RIFF"))
        && str_starts(str_from(in, 8), STR("WEBPVP8")))
        return IMAGE_WEBP;
    return IMAGE_NONE;
}


/* A frame header (SOF0 to SOF15, but for DHT, JPG and DAC), behind any other
 * segments. */
static bool
size_of_jpeg(str_t in, unsigned *width, unsigned *height)
{
    size_t   i = 2;
    unsigned marker;

    while (i + 9 < in.n) {
        if (byte_at(in, i) != 0xff)
            return false;
        marker = byte_at(in, i + 1);
        if (marker == 0xff) {
            i++;
            continue;
        }
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8
            && marker != 0xcc)
        {
            *height = big16(in, i + 5);
            *width = big16(in, i + 7);
            return true;
        }
        if (marker == 0xd9 || marker == 0xda)
            return false;
        if ((marker >= 0xd0 && marker <= 0xd7) || marker == 0x01)
            i += 2;
        else
            i += 2u + big16(in, i + 2);
    }
    return false;
}


static bool
size_of_webp(str_t in, unsigned *width, unsigned *height)
{
    unsigned bits;

    if (in.n < 30)
        return false;
    switch (in.p[15]) {
    case ' ':
        if (!str_starts(str_from(in, 23), STR("\x9d\x01\x2a")))
            return false;
        *width = little16(in, 26) & 0x3fff;
        *height = little16(in, 28) & 0x3fff;
        return true;
    case 'L':
        if (in.p[20] != 0x2f)
            return false;
        bits = little16(in, 21) | little16(in, 23) << 16;
        *width = (bits & 0x3fff) + 1;
        *height = (bits >> 14 & 0x3fff) + 1;
        return true;
    case 'X':
        *width = (little16(in, 24) | byte_at(in, 26) << 16) + 1;
        *height = (little16(in, 27) | byte_at(in, 29) << 16) + 1;
        return true;
    default:
        return false;
    }
}


bool
image_size_of(enum image_type type, str_t in, unsigned *width, unsigned *height)
{
    bool is_known = false;

    *width = *height = 0;
    switch (type) {
    case IMAGE_NONE:
        break;
    case IMAGE_JPEG:
        is_known = size_of_jpeg(in, width, height);
        break;
    case IMAGE_GIF:
        is_known = in.n >= 10;
        if (is_known) {
            *width = little16(in, 6);
            *height = little16(in, 8);
        }
        break;
    case IMAGE_PNG:
        is_known = in.n >= 24 && str_starts(str_from(in, 12), STR("IHDR"))
                   && big16(in, 16) == 0 && big16(in, 20) == 0;
        if (is_known) {
            *width = big16(in, 18);
            *height = big16(in, 22);
        }
        break;
    case IMAGE_WEBP:
        is_known = size_of_webp(in, width, height);
        break;
    }
    return is_known && *width != 0 && *height != 0;
}
