/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How files are looked up, read and sent: the directives, by topic.
 */
#pragma once

#include "core/cache/file.h"
#include "core/conf/types.h"
#include "http/request.h"

/* Looking up. */
struct http_files_conf {
    struct file_cache_conf *open_file_cache;
    msec_t                  valid;
    uint64_t                min_uses;
    bool                    errors, events;
    struct http_symlinks {
        enum symlinks how;
        struct expr  *from;
    } symlinks;
};

/* Reading and sending. */
struct http_io_conf {
    bool           sendfile, aio_write;
    size_t         sendfile_max_chunk;
    uint64_t       directio; /* FILE_DIRECT_OFF: never                       */
    size_t         directio_alignment;
    size_t         read_ahead;
    struct buffers output_buffers;
    struct http_aio {
        enum { AIO_OFF, AIO_ON, AIO_THREADS } how;
        struct expr *pool; /* pool name, if it has variables                 */
        struct thread_pool *threads;
    } aio;
};

/* Responses for files. */
enum { MODIFIED_OFF, MODIFIED_EXACT, MODIFIED_BEFORE };
struct http_validate_conf {
    uint64_t max_ranges;
    unsigned if_modified_since;
    bool     etag, log_not_found;
};

/* Room for the state that http/file_read.c keeps with a request. */
enum { HTTP_IO_STATE = 64 };

extern struct module http_files_module, http_io_module, http_validate_module;

#define files_conf(t) \
    ((const struct http_files_conf *) conf_of(t, &http_files_module))
#define io_conf(t) ((const struct http_io_conf *) conf_of(t, &http_io_module))
#define validate_conf(t) \
    ((const struct http_validate_conf *) conf_of(t, &http_validate_module))

/* Opens a file for r according to its location. */
struct file_result http_file_open(struct http_request *r, str_t path,
                                  bool test_only);

/* Opens a file for appending, creates it if needed, and respects
 * disable_symlinks for r: a descriptor, or -1 with errno and the failed call
 * in *call. */
int http_file_append(struct http_request *r, str_t path, const char **call);

/* Answers with a regular file; Content-Type, unless it is set, and ETag are the
 * file's. */
enum step http_file_send(struct http_request *r, struct file *f);
/* The same with a body that is made of parts of the file, and of what comes
 * before and between them. */
enum step http_file_send_parts(struct http_request *r, const struct file *f,
                               struct chain *body);
/* Appends n bytes of the file, from at on; they exist. */
void http_file_add(struct chain *body, struct file *f, uint64_t at,
                   uint64_t n);

/* Logs why a file could not be opened, and calls http_fail with the same
 * status as nginx. */
enum step http_file_fail(struct http_request *r, str_t path,
                         const struct file_result *f);

/* The same for a folder ("/" at its end) that opendir could not open. */
enum step http_folder_fail(struct http_request *r, str_t folder, int error);
