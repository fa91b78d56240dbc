/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the content handlers of video files (flv, mp4) share.
 */
#pragma once

#include "core/cache/file.h"
#include "http/request.h"

/* Opens the regular file that the URI names, and calls send with it; leaves
 * folders to others (STEP_NEXT). */
enum step video_serve(struct http_request *r,
                      enum step (*send)(struct http_request *r,
                                        struct file *f));
