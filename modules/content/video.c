/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the URI of a video to its open file, and the answers where there is
 * none.
 */
#include "modules/content/video.h"

#include "http/files.h"
#include "http/trace.h"
#include "modules/module.h"


enum step
video_serve(struct http_request *r,
            enum step (*send)(struct http_request *r, struct file *f))
{
    struct file_result f;
    enum step          step = STEP_NEXT;
    size_t             root_len;
    str_t              path;

    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);
    if (http_uri_is_folder(r))
        return STEP_NEXT;
    path = http_map_path(r, &root_len);
    if (path.p == NULL)
        return http_fail(r, 500);
    f = http_file_open(r, path, false);
    if (task_is_dry(&r->task))
        http_trace_path(r, f.file != NULL, "the file that the URI names", path);
    if (f.file == NULL)
        return http_file_fail(r, path, &f);
    if (file_is_regular(f.file))
        step = send(r, f.file);
    else if (!file_is_folder(f.file))
        step = http_fail(r, 404);
    file_put(f.file);
    return step;
}
