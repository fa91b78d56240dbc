/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images are worked on in true colour.  One that had a palette gets one again,
 * of the colours that it has then.
 */
#include "modules/filter/image_work.h"

#include <gd.h>
#include <stdlib.h>

/* A part of an image. */
struct box {
    int x, y, width, height;
};


/* What is wrong is told by what follows from it. */
static void
ignore_warning(int priority, const char *format, va_list args)
{
    (void) priority;
    (void) format;
    (void) args;
}


static gdImagePtr
read_image(enum image_type type, str_t in, const struct log *log)
{
    gdImagePtr  image = NULL;
    const char *what = "";
    void       *p = (void *) (uintptr_t) in.p;

    switch (type) {
    case IMAGE_JPEG:
        image = gdImageCreateFromJpegPtr((int) in.n, p);
        what = "gdImageCreateFromJpegPtr() failed";
        break;
    case IMAGE_GIF:
        image = gdImageCreateFromGifPtr((int) in.n, p);
        what = "gdImageCreateFromGifPtr() failed";
        break;
    case IMAGE_PNG:
        image = gdImageCreateFromPngPtr((int) in.n, p);
        what = "gdImageCreateFromPngPtr() failed";
        break;
    case IMAGE_WEBP:
        image = gdImageCreateFromWebpPtr((int) in.n, p);
        what = "gdImageCreateFromWebpPtr() failed";
        break;
    case IMAGE_NONE:
        break;
    }
    if (image == NULL)
        log_error(log, "%s", what);
    return image;
}


/* --- changing it --------------------------------------------------------- */

/* The image becomes another one; NULL, logged: there is no memory. */
static gdImagePtr
become(gdImagePtr from, gdImagePtr to, const struct log *log)
{
    gdImageDestroy(from);
    if (to == NULL)
        log_error(log, "gdImageCreateTrueColor() failed");
    return to;
}


static gdImagePtr
scale(gdImagePtr from, const struct box *part, int width, int height,
      const struct log *log)
{
    gdImagePtr to = gdImageCreateTrueColor(width, height);

    if (to != NULL) {
        gdImageAlphaBlending(to, 0);
        gdImageCopyResampled(to, from, 0, 0, part->x, part->y, width, height,
                             part->width, part->height);
    }
    return become(from, to, log);
}


static gdImagePtr
turn(gdImagePtr from, unsigned angle, const struct log *log)
{
    int        w = gdImageSX(from), h = gdImageSY(from), x, y, pixel;
    bool       is_half = angle == 180;
    gdImagePtr to = gdImageCreateTrueColor(is_half ? w : h, is_half ? h : w);

    if (to == NULL)
        return become(from, to, log);
    gdImageAlphaBlending(to, 0);
    for (y = 0; y < h; y++)
        for (x = 0; x < w; x++) {
            pixel = gdImageGetTrueColorPixel(from, x, y);
            if (is_half)
                gdImageSetPixel(to, w - 1 - x, h - 1 - y, pixel);
            else if (angle == 90)
                gdImageSetPixel(to, y, w - 1 - x, pixel);
            else
                gdImageSetPixel(to, h - 1 - y, x, pixel);
        }
    return become(from, to, log);
}


static unsigned
share(unsigned side, unsigned of, unsigned all)
{
    unsigned n = (unsigned) ((uint64_t) side * of / all);

    return n != 0 ? n : 1;
}


/* Within the limits, with the same proportions. */
static void
shrink(unsigned *w, unsigned *h, unsigned max_w, unsigned max_h)
{
    if (*w > max_w) {
        *h = share(*h, max_w, *w);
        *w = max_w;
    }
    if (*h > max_h) {
        *w = share(*w, max_h, *h);
        *h = max_h;
    }
}


/* So large that both sides reach their limits, if they do. */
static void
shrink_to_crop(unsigned *w, unsigned *h, unsigned max_w, unsigned max_h)
{
    if ((uint64_t) *w * max_h < (uint64_t) *h * max_w) {
        if (*w > max_w) {
            *h = share(*h, max_w, *w);
            *w = max_w;
        }
    } else if (*h > max_h) {
        *w = share(*w, max_h, *h);
        *h = max_h;
    }
}


static gdImagePtr
fit(gdImagePtr image, const struct image_plan *plan, const struct log *log)
{
    unsigned   w = (unsigned) gdImageSX(image), h = (unsigned) gdImageSY(image);
    struct box all = { 0, 0, (int) w, (int) h };

    if (plan->what == IMAGE_CROP)
        shrink_to_crop(&w, &h, plan->width, plan->height);
    else
        shrink(&w, &h, plan->width, plan->height);
    if ((int) w == all.width && (int) h == all.height)
        return image;
    return scale(image, &all, (int) w, (int) h, log);
}


/* The middle of it, within the limits. */
static gdImagePtr
cut(gdImagePtr image, const struct image_plan *plan, const struct log *log)
{
    unsigned   w = (unsigned) gdImageSX(image), h = (unsigned) gdImageSY(image);
    struct box part = { 0, 0, (int) w, (int) h };

    if (w <= plan->width && h <= plan->height)
        return image;
    if (w > plan->width)
        part.width = (int) plan->width;
    if (h > plan->height)
        part.height = (int) plan->height;
    part.x = ((int) w - part.width) / 2;
    part.y = ((int) h - part.height) / 2;
    return scale(image, &part, part.width, part.height, log);
}


/* Nothing shines through. */
static void
make_opaque(gdImagePtr image)
{
    int x, y, w = gdImageSX(image), h = gdImageSY(image);

    gdImageAlphaBlending(image, 0);
    for (y = 0; y < h; y++)
        for (x = 0; x < w; x++)
            gdImageSetPixel(image, x, y,
                            gdImageGetTrueColorPixel(image, x, y) & 0xffffff);
}


static gdImagePtr
change(gdImagePtr image, const struct image_plan *plan, enum image_type type,
       const struct log *log)
{
    bool had_palette = !gdImageTrueColor(image);

    if (had_palette && !gdImagePaletteToTrueColor(image)) {
        gdImageDestroy(image);
        return NULL;
    }
    if (plan->what != IMAGE_ROTATE)
        image = fit(image, plan, log);
    if (image != NULL && plan->angle != 0)
        image = turn(image, plan->angle, log);
    if (image != NULL && plan->what == IMAGE_CROP)
        image = cut(image, plan, log);
    if (image == NULL)
        return NULL;
    if (plan->sharpen != 0)
        gdImageSharpen(image, (int) plan->sharpen);
    if (!plan->keeps_transparency && had_palette)
        make_opaque(image);
    gdImageSaveAlpha(image, 1);
    gdImageInterlace(image, plan->is_interlaced);
    if (had_palette || type == IMAGE_GIF)
        gdImageTrueColorToPalette(image, 1, 256);
    return image;
}


/* --- what comes out ------------------------------------------------------ */

static void
free_block(struct block *b)
{
    gdFree(b->data);
    free(b);
}


static struct block *
write_image(gdImagePtr image, const struct image_plan *plan,
            enum image_type type, const struct log *log)
{
    struct block *b = NULL;
    void         *p = NULL;
    int           n = 0;

    switch (type) {
    case IMAGE_JPEG:
        p = gdImageJpegPtr(image, &n, (int) plan->jpeg_quality);
        break;
    case IMAGE_GIF:
        p = gdImageGifPtr(image, &n);
        break;
    case IMAGE_PNG:
        p = gdImagePngPtr(image, &n);
        break;
    case IMAGE_WEBP:
        p = gdImageWebpPtrEx(image, &n, (int) plan->webp_quality);
        break;
    case IMAGE_NONE:
        break;
    }
    if (p != NULL && n > 0)
        b = malloc(sizeof(*b));
    if (b == NULL) {
        gdFree(p);
        log_error(log, "the image cannot be written");
        return NULL;
    }
    *b = (struct block){
        .refs = 1, .size = (unsigned) n, .free = free_block, .data = p
    };
    return b;
}


struct block *
image_work(const struct image_plan *plan, enum image_type type, str_t in,
           const struct log *log)
{
    struct block *out;
    gdImagePtr    image;
    unsigned      w, h;

    if (!image_size_of(type, in, &w, &h) || (uint64_t) w * h > IMAGE_PIXELS) {
        log_error(log, "image filter: an image of %u x %u pixels", w, h);
        return NULL;
    }
    gdSetErrorMethod(ignore_warning);
    image = read_image(type, in, log);
    if (image == NULL)
        return NULL;
    image = change(image, plan, type, log);
    if (image == NULL)
        return NULL;
    out = write_image(image, plan, type, log);
    gdImageDestroy(image);
    return out;
}
